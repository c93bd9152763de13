#include "audio/sets/mixture_list.h"

#include <cmath>
#include <cstdint>
#include <set>
#include <sstream>

#include "audio/sample_rate.h"
#include "audio/sets/item_id.h"
#include "files/atomic_file.h"
#include "files/csv.h"
#include "files/text_file.h"
#include "files/toml.h"
#include "tensor/error.h"

namespace sunder {
namespace {

std::string column(int source, const char* what) { return fmt::format("source_{}_{}", source + 1, what); }

Placement read_placement(const CsvTable& table, int64_t row, int source, int64_t window) {
  const Placement placement{table.integer(row, column(source, "begin")), table.integer(row, column(source, "length")),
                            table.integer(row, column(source, "start"))};
  if (placement.begin < 0 || placement.length < 1 || placement.start < 0 || placement.length > window ||
      placement.start > window - placement.length)
    throw_error<InputError>("{}: source {} with length {} at {} does not fit into the window of {} samples",
                            table.where(row), source + 1, placement.length, placement.start, window);
  return placement;
}

template <class T>
T required(const toml::table& table, const std::filesystem::path& path, const char* key) {
  // value() would convert a fraction to an integer, which is undefined if it does not fit.
  const auto value = std::is_integral_v<T> ? table[key].value_exact<T>() : table[key].value<T>();
  if (!value) throw_error<InputError>("{}: the key {} is missing or of the wrong type", path.string(), key);
  return *value;
}

int in_range(const toml::table& table, const std::filesystem::path& path, const char* key, int lowest, int highest) {
  const auto value = required<int64_t>(table, path, key);
  if (value < lowest || value > highest)
    throw_error<InputError>("{}: expected {} from {} to {}, got {}", path.string(), key, lowest, highest, value);
  return static_cast<int>(value);
}

}  // namespace

std::vector<ListedMixture> read_mixture_list(const std::filesystem::path& csv, const SetConfig& config) {
  const CsvTable table = CsvTable::read(csv);
  std::vector<std::string> columns = {"mixture_id"};
  for (int s = 0; s < config.num_sources; ++s) columns.push_back(column(s, "path"));
  const bool placed = table.has(column(0, "begin"));
  for (int s = 0; placed && s < config.num_sources; ++s)
    for (const char* what : {"begin", "length", "start"}) columns.push_back(column(s, what));
  const bool known = table.has(column(0, "speaker"));
  for (int s = 0; known && s < config.num_sources; ++s) columns.push_back(column(s, "speaker"));
  const bool noisy = config.noise.kind == "recordings";
  if (noisy) columns.insert(columns.end(), {"noise_path", "noise_begin"});
  table.require(columns);
  if (table.size() == 0) throw_error<InputError>("{}: lists no mixtures", csv.string());
  std::vector<ListedMixture> mixtures(table.size());
  std::set<std::string> ids;
  for (int64_t row = 0; row < table.size(); ++row) {
    mixtures[row].id = table.at(row, "mixture_id");
    require_file_name(mixtures[row].id, table.where(row));
    if (!ids.insert(mixtures[row].id).second)
      throw_error<InputError>("{}: the mixture \"{}\" is listed twice", table.where(row), mixtures[row].id);
    for (int s = 0; s < config.num_sources; ++s) {
      ListedSource source{table.at(row, column(s, "path")), std::nullopt, ""};
      if (source.path.empty()) throw_error<InputError>("{}: source {} has no path", table.where(row), s + 1);
      if (placed) source.placement = read_placement(table, row, s, config.window);
      if (known) source.speaker = table.at(row, column(s, "speaker"));
      mixtures[row].sources.push_back(std::move(source));
    }
    if (!noisy) continue;
    mixtures[row].noise_path = table.at(row, "noise_path");
    mixtures[row].noise_begin = table.integer(row, "noise_begin");
    if (mixtures[row].noise_path.empty() || mixtures[row].noise_begin < 0)
      throw_error<InputError>("{}: expected a noise_path and a noise_begin of at least 0, got '{}' and {}",
                              table.where(row), mixtures[row].noise_path, mixtures[row].noise_begin);
  }
  return mixtures;
}

void write_mixture_list(const std::filesystem::path& csv, const std::vector<ListedMixture>& mixtures, int num_sources) {
  const bool placed = !mixtures.empty() && mixtures[0].sources[0].placement;
  const bool known = !mixtures.empty() && !mixtures[0].sources[0].speaker.empty();
  std::vector<std::string> header = {"mixture_id"};
  for (int s = 0; s < num_sources; ++s) {
    header.push_back(column(s, "path"));
    for (const char* what : {"begin", "length", "start"})
      if (placed) header.push_back(column(s, what));
    if (known) header.push_back(column(s, "speaker"));
  }
  const bool noisy = !mixtures.empty() && !mixtures[0].noise_path.empty();
  if (noisy) header.insert(header.end(), {"noise_path", "noise_begin"});
  std::string text = csv_line(header);
  for (const ListedMixture& mixture : mixtures) {
    std::vector<std::string> fields = {mixture.id};
    for (const ListedSource& source : mixture.sources) {
      fields.push_back(source.path);
      if (placed) {
        const auto [begin, length, start] = source.placement.value();
        for (const int64_t value : {begin, length, start}) fields.push_back(std::to_string(value));
      }
      if (known) fields.push_back(source.speaker);
    }
    if (noisy) fields.insert(fields.end(), {mixture.noise_path, std::to_string(mixture.noise_begin)});
    text += csv_line(fields);
  }
  write_file(csv, text);
}

namespace {

NoiseConfig read_noise(const toml::table& table, const std::filesystem::path& path) {
  NoiseConfig noise{.kind = required<std::string>(table, path, "noise"),
                    .snr_low_db = required<double>(table, path, "snr_low_db"),
                    .snr_high_db = required<double>(table, path, "snr_high_db")};
  if (noise.kind != "white" && noise.kind != "recordings")
    throw_error<InputError>("{}: expected noise white or recordings, got \"{}\"", path.string(), noise.kind);
  if (noise.kind == "recordings") noise.folder = required<std::string>(table, path, "noise_folder");
  if (!(noise.snr_low_db >= -most_snr_db && noise.snr_low_db <= noise.snr_high_db && noise.snr_high_db <= most_snr_db))
    throw_error<InputError>("{}: expected snr_low_db and snr_high_db from {} to {} in this order, got {} and {}",
                            path.string(), -most_snr_db, most_snr_db, noise.snr_low_db, noise.snr_high_db);
  return noise;
}

}  // namespace

SetConfig read_set_config(const std::filesystem::path& path) {
  const toml::table table = parse_toml(read_text(path), path.string());
  static const std::set<std::string_view> known = {
      "rule",           "corpus",    "sample_rate", "window",       "sources",    "seed",       "channels",
      "noise_floor_db", "levels_db", "noise",       "noise_folder", "snr_low_db", "snr_high_db"};
  for (const auto& [key, value] : table)
    if (!known.contains(key.str())) throw_error<InputError>("{}: unknown key {}", path.string(), key.str());
  SetConfig config;
  config.rule = required<std::string>(table, path, "rule");
  config.corpus = required<std::string>(table, path, "corpus");
  config.sample_rate = in_range(table, path, "sample_rate", lowest_sample_rate, highest_sample_rate);
  config.window = in_range(table, path, "window", 2, INT32_MAX);
  config.num_sources = in_range(table, path, "sources", 2, 16);
  config.seed = static_cast<uint64_t>(required<int64_t>(table, path, "seed"));
  const auto channels = required<std::string>(table, path, "channels");
  if (channels != "one" && channels != "mean")
    throw_error<InputError>("{}: expected channels one or mean, got \"{}\"", path.string(), channels);
  config.channels = channels == "one" ? Channels::one : Channels::mean;
  if (table.contains("noise_floor_db")) config.noise_floor_db = required<double>(table, path, "noise_floor_db");
  if (config.noise_floor_db && !std::isfinite(*config.noise_floor_db))
    throw_error<InputError>("{}: expected a finite noise_floor_db, got {}", path.string(), *config.noise_floor_db);
  if (table.contains("levels_db")) config.levels_db = required<double>(table, path, "levels_db");
  if (!(config.levels_db >= 0 && config.levels_db <= most_levels_db))
    throw_error<InputError>("{}: expected levels_db from 0 to {}, got {}", path.string(), most_levels_db,
                            config.levels_db);
  if (table.contains("noise")) config.noise = read_noise(table, path);
  return config;
}

void write_set_config(const std::filesystem::path& path, const SetConfig& config) {
  toml::table table{{"rule", config.rule},
                    {"corpus", config.corpus.generic_string()},
                    {"sample_rate", config.sample_rate},
                    {"window", config.window},
                    {"sources", config.num_sources},
                    {"seed", static_cast<int64_t>(config.seed)},
                    {"channels", config.channels == Channels::one ? "one" : "mean"}};
  if (config.noise_floor_db) table.insert("noise_floor_db", *config.noise_floor_db);
  if (config.levels_db > 0) table.insert("levels_db", config.levels_db);
  if (config.noise.kind != "none") {
    table.insert("noise", config.noise.kind);
    if (config.noise.kind == "recordings") table.insert("noise_folder", config.noise.folder.generic_string());
    table.insert("snr_low_db", config.noise.snr_low_db);
    table.insert("snr_high_db", config.noise.snr_high_db);
  }
  std::ostringstream text;
  // toml++ 3.3 writes a text with line breaks and quotes as a multi-line string without escaping what it holds.
  constexpr auto flags = toml::toml_formatter::default_flags &
                         ~(toml::format_flags::allow_literal_strings | toml::format_flags::allow_multi_line_strings);
  text << toml::toml_formatter(table, flags) << "\n";
  // toml++ takes other bytes than UTF-8 for Latin-1.
  const toml::table written = parse_toml(text.str(), path.string());
  for (const auto& [key, folder] : {std::pair{"corpus", config.corpus}, {"noise_folder", config.noise.folder}})
    if (!folder.empty() && written[key].value<std::string>() != folder.generic_string())
      throw_error<InputError>("{}: expected a path in UTF-8, which set.toml can hold", folder.string());
  write_file(path, text.str());
}

std::filesystem::path corpus_reference(const std::filesystem::path& corpus, const std::filesystem::path& set) {
  const std::filesystem::path from = std::filesystem::weakly_canonical(set);
  const std::filesystem::path to = std::filesystem::weakly_canonical(corpus);
  auto first = ++from.begin(), second = ++to.begin();  // after the root
  const bool together = first != from.end() && second != to.end() && *first == *second;
  return together ? to.lexically_relative(from) : to;
}

}  // namespace sunder
