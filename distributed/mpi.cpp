#include "distributed/mpi.h"

#include <dlfcn.h>

#include <exception>
#include <filesystem>

#include "distributed/mpi_module.h"
#include "distributed/star.h"
#include "tensor/error.h"

namespace sunder {
namespace {

namespace fs = std::filesystem;

void require(const char* what, const char* said) {
  if (said) throw_error("MPI: {}: {}", what, said);
}

// Beside the program, as in a build, or where it is installed.
const SunderMpi* find_module(std::string& why) {
  std::error_code error;
  const fs::path folder = fs::read_symlink("/proc/self/exe", error).parent_path();
  why = "this build has no MPI (SUNDER_MPI)";
  for (const fs::path& file : {folder / SUNDER_MPI_MODULE, folder / SUNDER_MPI_FROM_BIN / SUNDER_MPI_MODULE}) {
    if (!fs::exists(file, error)) continue;
    // Globally: Open MPI's own plugins look for its symbols.
    void* module = ::dlopen(file.c_str(), RTLD_NOW | RTLD_GLOBAL);
    void* function = module ? ::dlsym(module, "sunder_mpi") : nullptr;
    if (!function) {
      why = fmt::format("{} cannot be loaded: {}", file.string(), ::dlerror());
      continue;
    }
    const SunderMpi* functions = reinterpret_cast<const SunderMpi* (*)()>(function)();
    if (functions->version == sunder_mpi_version) return functions;
    why = fmt::format("{} is of another version of Sunder", file.string());
  }
  return nullptr;
}

class Ring : public AllReduce {
 public:
  Ring(Mpi& mpi, Star& star) : mpi_(mpi), star_(star) {}

  std::string name() const override {
    const std::string version = mpi_.name();  // several lines long in some
    return "MPI: " + version.substr(0, version.find_first_of(",\n"));
  }

  // Part c begins at rank c and is summed in the order of the ranks that follow: rank r holds the sum of part r + 1.
  void sum(const Tensor& values) override {
    on_elements(values, [&]<class T>(T* own) {
      const int64_t size = mpi_.size(), rank = mpi_.rank(), count = values.numel();
      const auto part = [&](int64_t c) {
        c = (c % size + size) % size;
        return std::span(own + c * count / size, own + (c + 1) * count / size);
      };
      if (!theirs_.defined() || theirs_.dtype() != values.dtype() || theirs_.numel() < count / size + 1)
        theirs_ = Tensor::empty({count / size + 1}, values.dtype());
      const Deadline deadline = star_.deadline();
      const auto pass = [&](std::span<const T> sent, std::span<T> received) {
        mpi_.exchange(static_cast<int>((rank + 1) % size), std::as_bytes(sent),
                      static_cast<int>((rank + size - 1) % size), std::as_writable_bytes(received),
                      [&] { star_.check(deadline); });
      };
      for (int64_t step = 0; step < size - 1; ++step) {
        const std::span<T> sum = part(rank - step - 1), so_far(theirs_.mutable_data<T>(), sum.size());
        pass(part(rank - step), so_far);
        for (size_t i = 0; i < sum.size(); ++i) sum[i] = so_far[i] + sum[i];
      }
      for (int64_t step = 0; step < size - 1; ++step) pass(part(rank + 1 - step), part(rank - step));
      // What was read of a rank that was just being killed may be anything (Open MPI reads its memory), so no sum
      // counts before every rank has passed all of its own on.
      star_.meet(deadline);
    });
  }

 private:
  Mpi& mpi_;
  Star& star_;
  Tensor theirs_;
};

}  // namespace

std::unique_ptr<Mpi> Mpi::load(const Launch& launch) {
  std::string why;
  const SunderMpi* functions = find_module(why);
  if (!functions)
    throw_error<UsageError>(
        "{} started {} processes, and they cannot meet: {}, and MASTER_ADDR and MASTER_PORT do not say where rank 0 "
        "listens",
        launch.launcher, launch.size, why);
  return std::unique_ptr<Mpi>(new Mpi(*functions));
}

Mpi::Mpi(const SunderMpi& functions) : functions_(functions) { require("start", functions_.start(&rank_, &size_)); }

std::string Mpi::name() const { return functions_.name(); }

void Mpi::broadcast(std::span<std::byte> bytes) {
  require("broadcast", functions_.broadcast(bytes.data(), static_cast<int>(bytes.size())));
}

void Mpi::exchange(int to, std::span<const std::byte> sent, int from, std::span<std::byte> received,
                   const std::function<void()>& check) {
  struct Context {
    const std::function<void()>& check;
    std::exception_ptr thrown{};
  } context{check};
  const auto go_on = [](void* given) {
    auto& self = *static_cast<Context*>(given);
    try {
      self.check();
      return 1;
    } catch (...) {
      self.thrown = std::current_exception();
      return 0;
    }
  };
  const char* said =
      functions_.exchange(to, sent.data(), sent.size(), from, received.data(), received.size(), go_on, &context);
  if (context.thrown) std::rethrow_exception(context.thrown);
  require("exchange", said);
}

void Mpi::finish() { require("finish", functions_.finish()); }

std::unique_ptr<AllReduce> mpi_all_reduce(Mpi& mpi, Star& star) { return std::make_unique<Ring>(mpi, star); }

}  // namespace sunder
