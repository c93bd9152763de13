// How many threads can run at a time.
#pragma once

#include <filesystem>
#include <string>

namespace sunder {

// The CPUs that this process may use: those that it is bound to (taskset, a container's CPU set), or fewer where its
// control group is given less time than that (docker --cpus, Kubernetes' limits), rounded up; at least 1.
int usable_cpus();

// The CPU time per second of wall time that control groups allow, in seconds: the least of the process's own groups and
// those around them; infinity without a limit. `groups` is the text of /proc/self/cgroup, `root` where the groups are
// mounted (/sys/fs/cgroup). Versions 1 and 2.
double cgroup_cpus(const std::string& groups, const std::filesystem::path& root);

}  // namespace sunder
