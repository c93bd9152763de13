#include "tensor/cpu_count.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <limits>
#include <sstream>
#include <thread>
#include <vector>

namespace sunder {
namespace {

namespace fs = std::filesystem;
constexpr double no_limit = std::numeric_limits<double>::infinity();

std::string text_of(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// "150000 100000" (version 2, "max" for no limit), or both numbers of version 1, where no limit is -1.
double ratio(const std::string& text) {
  std::istringstream stream(text);
  double quota = 0, period = 0;
  return stream >> quota >> period && quota > 0 && period > 0 ? quota / period : no_limit;
}

double limit_of(const fs::path& group) {
  return std::min(ratio(text_of(group / "cpu.max")),
                  ratio(text_of(group / "cpu.cfs_quota_us") + " " + text_of(group / "cpu.cfs_period_us")));
}

// In a container the path is often that of the host, of which only the end or nothing is mounted: what does not exist
// sets no limit, and the root counts, too.
double limit_along(const fs::path& root, const fs::path& path) {
  double limit = limit_of(root);
  fs::path group = root;
  for (const fs::path& part : path.relative_path()) limit = std::min(limit, limit_of(group /= part));
  return limit;
}

// A set has room for 1024 CPUs; the call fails where the system has more than fit.
int bound_cpus() {
  for (size_t sets = 1; sets <= 1024; sets *= 2) {
    std::vector<cpu_set_t> bound(sets);
    const size_t bytes = sets * sizeof(cpu_set_t);
    if (::sched_getaffinity(0, bytes, bound.data()) == 0) return CPU_COUNT_S(bytes, bound.data());
  }
  return static_cast<int>(std::thread::hardware_concurrency());
}

}  // namespace

double cgroup_cpus(const std::string& groups, const fs::path& root) {
  double limit = no_limit;
  std::istringstream lines(groups);
  for (std::string line; std::getline(lines, line);) {  // number:controllers:path
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1), path = line.substr(second + 1);
    if (controllers.empty()) limit = std::min(limit, limit_along(root, path));
    else if (("," + controllers + ",").find(",cpu,") != std::string::npos)
      for (const std::string& mount : {controllers, std::string("cpu")})
        limit = std::min(limit, limit_along(root / mount, path));
  }
  return limit;
}

int usable_cpus() {
  const double limit = std::ceil(cgroup_cpus(text_of("/proc/self/cgroup"), "/sys/fs/cgroup"));
  return std::max(1, static_cast<int>(std::min<double>(bound_cpus(), limit)));
}

}  // namespace sunder
