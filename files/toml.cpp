#include "files/toml.h"

#include "tensor/error.h"

namespace sunder {

toml::table parse_toml(const std::string& text, const std::string& source) {
  try {
    return toml::parse(text, source);
  } catch (const toml::parse_error& error) {
    throw_error<InputError>("{}: not valid TOML at line {}: {}", source, error.source().begin.line,
                            error.description());
  }
}

}  // namespace sunder
