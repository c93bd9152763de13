#include "serve/packing.h"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "files/base64.h"
#include "tensor/error.h"

namespace sunder::serve {
namespace {

// Not compressed: samples of 32 bits hardly shrink, and it would take longer than separating them.
std::string zip(const Voices& voices) {
  std::string bytes;
  const std::unique_ptr<archive, int (*)(archive*)> file(archive_write_new(), archive_write_free);
  const auto check = [&](int status) {
    if (status != ARCHIVE_OK) throw_error("cannot make a ZIP file: {}", archive_error_string(file.get()));
  };
  if (!file) throw std::bad_alloc();
  const auto take = [](archive*, void* to, const void* from, size_t size) -> la_ssize_t {
    try {
      static_cast<std::string*>(to)->append(static_cast<const char*>(from), size);
      return static_cast<la_ssize_t>(size);
    } catch (const std::bad_alloc&) {
      return -1;
    }
  };
  check(archive_write_set_format_zip(file.get()));
  check(archive_write_set_options(file.get(), "zip:compression=store"));
  check(archive_write_set_bytes_in_last_block(file.get(), 1));
  check(archive_write_open(file.get(), &bytes, nullptr, take, nullptr));
  for (const Voice& voice : voices.voices) {
    const std::unique_ptr<archive_entry, void (*)(archive_entry*)> entry(archive_entry_new(), archive_entry_free);
    if (!entry) throw std::bad_alloc();
    archive_entry_set_pathname(entry.get(), voice.name.c_str());
    archive_entry_set_filetype(entry.get(), AE_IFREG);
    archive_entry_set_perm(entry.get(), 0644);
    archive_entry_set_size(entry.get(), static_cast<la_int64_t>(voice.wav.size()));
    check(archive_write_header(file.get(), entry.get()));
    if (archive_write_data(file.get(), voice.wav.data(), voice.wav.size()) != static_cast<la_ssize_t>(voice.wav.size()))
      throw_error("cannot make a ZIP file: {}", archive_error_string(file.get()));
  }
  check(archive_write_close(file.get()));
  return bytes;
}

// RFC 2046. The id is random, so that no sample looks like the boundary.
std::string multipart(const Voices& voices, const std::string& boundary) {
  std::string bytes;
  for (const Voice& voice : voices.voices)
    bytes += fmt::format(
                 "--{}\r\nContent-Type: audio/wav\r\nContent-Disposition: attachment; filename=\"{}\"\r\n"
                 "Content-Length: {}\r\n\r\n",
                 boundary, voice.name, voice.wav.size()) +
             voice.wav + "\r\n";
  return bytes + "--" + boundary + "--\r\n";
}

std::string json(const Voices& voices, const Facts& facts) {
  nlohmann::ordered_json result{{"id", facts.id},
                                {"sample_rate", facts.sample_rate},
                                {"seconds", facts.seconds},
                                {"real_time_factor", facts.real_time_factor},
                                {"clipped_samples", voices.clipped}};
  if (voices.active) result["active_sources"] = *voices.active;
  for (const Voice& voice : voices.voices) {
    nlohmann::ordered_json entry{{"name", voice.name}};
    for (const int64_t output : voice.outputs) entry["outputs"].push_back(output + 1);
    entry["wav"] = base64(voice.wav);
    result["voices"].push_back(std::move(entry));
  }
  return result.dump() + "\n";
}

}  // namespace

Answer pack(Packing packing, const Voices& voices, const Facts& facts) {
  Answer answer;
  answer.headers = {{"X-Sunder-Voices", std::to_string(voices.voices.size())},
                    {"X-Sunder-Sample-Rate", std::to_string(facts.sample_rate)},
                    {"X-Sunder-Seconds", fmt::format("{:.3f}", facts.seconds)},
                    {"X-Sunder-Real-Time-Factor", fmt::format("{:.4g}", facts.real_time_factor)},
                    {"X-Sunder-Clipped-Samples", std::to_string(voices.clipped)}};
  if (voices.active) answer.headers.emplace_back("X-Sunder-Active-Sources", std::to_string(*voices.active));
  switch (packing) {
    case Packing::zip:
      answer.type = "application/zip";
      answer.body = zip(voices);
      answer.headers.emplace_back("Content-Disposition", "attachment; filename=\"voices.zip\"");
      break;
    case Packing::multipart: {
      const std::string boundary = "sunder-" + facts.id;
      answer.type = "multipart/mixed; boundary=" + boundary;
      answer.body = multipart(voices, boundary);
      break;
    }
    case Packing::json:
      answer.type = "application/json";
      answer.body = json(voices, facts);
      break;
  }
  return answer;
}

}  // namespace sunder::serve
