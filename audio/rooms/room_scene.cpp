#include "audio/rooms/room_scene.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>
#include <numeric>
#include <set>

#include "audio/rooms/numpy_random.h"
#include "tensor/ops/room_responses.h"

namespace sunder {
namespace {

constexpr double pi = std::numbers::pi;
constexpr double least_distance = 5e-3;  // m; closer than a head and a microphone's case allow

double rounded(double value) { return std::nearbyint(value * 1000) / 1000; }
Position rounded(const Position& at) { return {rounded(at[0]), rounded(at[1]), rounded(at[2])}; }

Position around(const Position& centre, NumpyRandom& random) {
  Position at = centre;
  for (double& coordinate : at) coordinate += random.uniform(-0.2, 0.2);
  return at;
}

std::vector<Position> draw_sources(const Position& centre, NumpyRandom& random) {
  double normals[3][room_most_sources];
  for (auto& row : normals)
    for (double& value : row) value = random.normal();
  std::vector<Position> sources(room_most_sources, centre);
  for (int s = 0; s < room_most_sources; ++s) {
    const double norm = std::hypot(normals[0][s], normals[1][s]), radius = std::sqrt(random.uniform(1, 4));
    for (int a = 0; a < 2; ++a) sources[s][a] += normals[a][s] / norm * radius;
  }
  return sources;
}

// Rotates (x, y) by an angle.
void turn(double& x, double& y, double angle) {
  const double old = x;
  x = std::cos(angle) * old - std::sin(angle) * y;
  y = std::sin(angle) * old + std::cos(angle) * y;
}

std::vector<Position> draw_array(const Position& centre, NumpyRandom& random) {
  const double about_x = random.uniform(0, 0.02 * pi), about_y = random.uniform(0, 0.02 * pi);
  const double about_z = random.uniform(0, 2 * pi);
  std::vector<Position> microphones(room_microphones);
  for (int m = 0; m < room_microphones; ++m) {
    const double angle = (2 * m - 1) * pi / room_microphones;
    Position& at = microphones[m] = {0.1 * std::cos(angle), 0.1 * std::sin(angle), 0};
    turn(at[1], at[2], about_x);
    turn(at[2], at[0], about_y);
    turn(at[0], at[1], about_z);
    for (int a = 0; a < 3; ++a) at[a] += centre[a];
  }
  return microphones;
}

// Direction uniform on the sphere, distance uniform from 0.1 to 0.3 m (sources of SMS-WSJ are at least 0.6 m from any
// wall).
Position draw_close_talk(const Position& source, NumpyRandom& random) {
  Position direction;
  for (double& value : direction) value = random.normal();
  const double distance = random.uniform(0.1, 0.3) / std::hypot(direction[0], direction[1], direction[2]);
  for (int a = 0; a < 3; ++a) direction[a] = source[a] + distance * direction[a];
  return direction;
}

std::string text(const Position& at) { return fmt::format("({}, {}, {})", at[0], at[1], at[2]); }

Tensor rows_of(const std::vector<Position>& positions) {
  std::vector<double> values;
  for (const Position& at : positions) values.insert(values.end(), at.begin(), at.end());
  return Tensor::from(values, {1, static_cast<int64_t>(positions.size()), 3});
}

bool is_composition(const std::vector<std::vector<int64_t>>& rows, const std::vector<int64_t>& candidates,
                    const std::vector<std::string>& speakers) {
  for (size_t column = 0; column < rows[0].size(); ++column) {
    std::set<std::pair<int64_t, int64_t>> pairs;
    for (size_t i = 0; i < rows.size(); ++i) {
      const int64_t a = rows[i][column], b = candidates[i];
      if (speakers[a] == speakers[b] || !pairs.insert(std::minmax(a, b)).second) return false;
    }
  }
  return true;
}

// A permutation; at each place the rest is shuffled again, up to `tries` times, while the speaker is already in the
// row.
std::vector<int64_t> next_column(const std::vector<std::vector<int64_t>>& rows, std::vector<int64_t>& candidates,
                                 const std::vector<std::string>& speakers, int tries, NumpyRandom& random) {
  random.shuffle(candidates);
  for (size_t i = 0; i < candidates.size(); ++i) {
    const auto meets_itself = [&] {
      return std::any_of(rows[i].begin(), rows[i].end(),
                         [&](int64_t other) { return speakers[other] == speakers[candidates[i]]; });
    };
    for (int tried = 0; tried < tries && meets_itself(); ++tried) random.shuffle(std::span(candidates).subspan(i));
  }
  return candidates;
}

}  // namespace

RoomScene draw_room_scene(const std::string& set, int64_t index, int sources) {
  if (sources < 1 || sources > room_most_sources)
    throw_error("[draw_room_scene] expected 1 to {} sources, got {}", room_most_sources, sources);
  RoomScene scene;
  scene.name = fmt::format("{}_{}", set, index);
  NumpyRandom random(sha256_seed(scene.name));
  scene.room = rounded(around({8, 6, 3}, random));
  const Position centre = around({4, 3, 1.5}, random);
  scene.sources = draw_sources(centre, random);
  scene.sources.resize(sources);
  scene.microphones = draw_array(centre, random);
  scene.t60 = rounded(random.uniform(0.2, 0.5));
  NumpyRandom close(sha256_seed(scene.name + "_close_talk"));
  for (Position& source : scene.sources) {
    source = rounded(source);
    scene.close_talk.push_back(rounded(draw_close_talk(source, close)));
  }
  for (Position& microphone : scene.microphones) microphone = rounded(microphone);
  return scene;
}

void check_room_scene(const RoomScene& scene) {
  const auto& [x, y, z] = scene.room;
  const double absorption = room_absorption(x, y, z, scene.t60);
  if (!(x > 0 && y > 0 && z > 0 && scene.t60 > 0))
    throw_error<InputError>("{}: expected a room and a T60 above 0, got {} m and {} s", scene.name, text(scene.room),
                            scene.t60);
  if (!(absorption <= 1))
    throw_error<InputError>("{}: a room of {} m is too small for a T60 of {} s: expected at least {:.3f} s", scene.name,
                            text(scene.room), scene.t60, scene.t60 * absorption);
  if (scene.sources.empty() || scene.microphones.empty() ||
      (!scene.close_talk.empty() && scene.close_talk.size() != scene.sources.size()))
    throw_error<InputError>(
        "{}: expected sources, microphones and a close-talk microphone for each source or none, got {}, "
        "{} and {}",
        scene.name, scene.sources.size(), scene.microphones.size(), scene.close_talk.size());
  const auto check_inside = [&](const char* what, const std::vector<Position>& positions) {
    for (const Position& at : positions)
      for (int a = 0; a < 3; ++a)
        if (!(at[a] > 0 && at[a] < scene.room[a]))
          throw_error<InputError>("{}: expected the {} inside the room of {} m, got {}", scene.name, what,
                                  text(scene.room), text(at));
  };
  check_inside("source", scene.sources);
  check_inside("microphone", scene.microphones);
  check_inside("close-talk microphone", scene.close_talk);
  for (const Position& source : scene.sources)
    for (const auto* microphones : {&scene.microphones, &scene.close_talk})
      for (const Position& at : *microphones)
        if (std::hypot(source[0] - at[0], source[1] - at[1], source[2] - at[2]) < least_distance)
          throw_error<InputError>(
              "{}: expected sources at least {} m from every microphone, got a source at {} and a "
              "microphone at {}",
              scene.name, least_distance, text(source), text(at));
}

int64_t room_response_length(int sample_rate) { return std::llround(8192.0 * sample_rate / room_sample_rate); }

Tensor scene_responses(const RoomScene& scene, const ResponseOptions& options, Stream stream) {
  check_room_scene(scene);
  std::vector<Position> microphones = scene.microphones;
  microphones.insert(microphones.end(), scene.close_talk.begin(), scene.close_talk.end());
  const double decayed = std::ceil(options.decay_db / 60 * scene.t60 * options.sample_rate);
  int64_t length = room_response_length(options.sample_rate);
  if (decayed < static_cast<double>(length)) length = std::max<int64_t>(1, static_cast<int64_t>(decayed));
  const Tensor room = rows_of({scene.room}).reshape({1, 3}), t60 = Tensor::full({1}, scene.t60, DType::float64);
  const Tensor responses =
      room_responses(room.to(stream), rows_of(scene.sources).to(stream), rows_of(microphones).to(stream),
                     t60.to(stream), {.sample_rate = static_cast<double>(options.sample_rate), .length = length});
  return responses.reshape({responses.size(1), responses.size(2), length});
}

RoomMixing draw_room_mixing(const std::string& set, const std::string& example, const std::vector<int64_t>& lengths) {
  RoomMixing mixing;
  NumpyRandom random(sha256_seed(set + "_" + example));
  for (size_t s = 0; s < lengths.size(); ++s) mixing.log_weights.push_back(random.uniform(0, 5));
  const double mean =
      std::accumulate(mixing.log_weights.begin(), mixing.log_weights.end(), 0.0) / static_cast<double>(lengths.size());
  for (double& weight : mixing.log_weights) weight -= mean;
  const int64_t longest = *std::max_element(lengths.begin(), lengths.end());
  for (const int64_t length : lengths) mixing.offsets.push_back(random.integer(0, longest - length + 1));
  mixing.snr = NumpyRandom(md5_seed(example) - 1).uniform(20, 30);
  return mixing;
}

std::vector<std::vector<int64_t>> compose_examples(const std::string& set, const std::vector<std::string>& speakers,
                                                   int sources) {
  constexpr int tries = 500;
  NumpyRandom random(sha256_seed(set + "_example_compositions"));
  std::vector<std::vector<int64_t>> rows;
  for (const int64_t first : random.permutation(static_cast<int64_t>(speakers.size()))) rows.push_back({first});
  for (int column = 1; column < sources; ++column) {
    std::vector<int64_t> candidates(speakers.size());
    std::iota(candidates.begin(), candidates.end(), 0);
    int tried = 0;
    while (!is_composition(rows, next_column(rows, candidates, speakers, tries, random), speakers))
      if (++tried == tries) {
        std::map<std::string, int64_t> utterances;
        for (const std::string& speaker : speakers) ++utterances[speaker];
        const auto most = std::max_element(utterances.begin(), utterances.end(),
                                           [](const auto& a, const auto& b) { return a.second < b.second; });
        throw_error<InputError>(
            "{}: {} different voices for each mixture, and no two mixtures of the same, were not found in "
            "{} tries: {} utterances by {} speakers, {} of them by {}",
            set, sources, tries, speakers.size(), utterances.size(), most->second, most->first);
      }
    for (size_t i = 0; i < rows.size(); ++i) rows[i].push_back(candidates[i]);
  }
  return rows;
}

}  // namespace sunder
