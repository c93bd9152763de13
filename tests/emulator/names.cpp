// Names of kernels, from the program's own symbol table: kernels in anonymous namespaces are in no dynamic one.
#include <cxxabi.h>
#include <dlfcn.h>
#include <elf.h>
#include <fmt/format.h>
#include <link.h>

#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <string_view>
#include <unordered_map>

#include "tests/emulator/device.h"

namespace sunder::emulator {
namespace {

// Names by address, without the offset at which the file is loaded.
using Symbols = std::unordered_map<ElfW(Addr), std::string>;

Symbols read_symbols(const char* path) {
  std::ifstream file(path, std::ios::binary);
  const std::string image{std::istreambuf_iterator<char>(file), {}};
  Symbols names;
  if (image.size() < sizeof(ElfW(Ehdr))) return names;
  const auto* header = reinterpret_cast<const ElfW(Ehdr)*>(image.data());
  const auto* sections = reinterpret_cast<const ElfW(Shdr)*>(image.data() + header->e_shoff);
  for (int i = 0; i < header->e_shnum; ++i) {
    if (sections[i].sh_type != SHT_SYMTAB) continue;
    const auto* symbols = reinterpret_cast<const ElfW(Sym)*>(image.data() + sections[i].sh_offset);
    const char* texts = image.data() + sections[sections[i].sh_link].sh_offset;
    for (size_t k = 0; k < sections[i].sh_size / sizeof(ElfW(Sym)); ++k)
      if (ELF64_ST_TYPE(symbols[k].st_info) == STT_FUNC) names.emplace(symbols[k].st_value, texts + symbols[k].st_name);
  }
  return names;
}

std::string mangled_name(const void* function) {
  Dl_info info;
  link_map* map = nullptr;
  if (dladdr1(function, &info, reinterpret_cast<void**>(&map), RTLD_DL_LINKMAP) == 0) return "";
  static auto* files = new std::map<const link_map*, Symbols>;
  if (!files->contains(map)) (*files)[map] = read_symbols(map->l_name[0] ? map->l_name : "/proc/self/exe");
  const auto found = (*files)[map].find(reinterpret_cast<ElfW(Addr)>(function) - map->l_addr);
  return found == (*files)[map].end() ? "" : found->second;
}

std::string demangled(const std::string& mangled) {
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> text(abi::__cxa_demangle(mangled.c_str(), nullptr, nullptr, &status),
                                                    std::free);
  if (status != 0) return mangled;
  // "void sunder::(anonymous namespace)::prelu_kernel<float>(float const*, long)": prelu_kernel<float>
  std::string name = text.get();
  for (const std::string_view part : {"void ", "(anonymous namespace)::", "sunder::"})
    for (size_t at; (at = name.find(part)) != std::string::npos;) name.erase(at, part.size());
  int depth = 0;
  for (size_t i = 0; i < name.size(); ++i) {
    depth += name[i] == '<' ? 1 : name[i] == '>' ? -1 : 0;
    if (name[i] == '(' && depth == 0) name.resize(i);
  }
  return name;
}

}  // namespace

const std::string& name_of(const void* function) {
  static auto* known = new std::map<const void*, std::string>;
  std::string& name = (*known)[function];
  if (name.empty()) name = demangled(mangled_name(function));
  if (name.empty()) name = fmt::format("at {}", function);
  return name;
}

}  // namespace sunder::emulator

cudaError_t cudaFuncGetName(const char** name, const void* function) {
  const std::lock_guard guard(sunder::emulator::lock());
  *name = sunder::emulator::name_of(function).c_str();
  return cudaSuccess;
}
