#include "bench/support/cpu_time.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <string>

namespace securelogin::bench {
namespace {

constexpr double kMicro = 1e-6;
constexpr int kFieldsBeforeUtime = 11;  // proc(5), /proc/PID/stat, counted from after the program's name

CpuTime of(const timeval& time)
{
    return CpuTime(static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * kMicro);
}

}  // namespace

CpuTime own_cpu_time()
{
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return of(usage.ru_utime) + of(usage.ru_stime);
}

CpuTime cpu_time_of(pid_t process)
{
    const auto file = "/proc/" + std::to_string(process) + "/stat";
    std::ifstream stream(file);
    const std::string text{std::istreambuf_iterator<char>(stream), {}};
    // The name is in parentheses and may hold anything, parentheses included.
    const auto name_end = text.rfind(')');
    if (name_end == std::string::npos) throw std::runtime_error("reading " + file + ": no such process");
    std::istringstream fields(text.substr(name_end + 1));
    std::string skipped;
    for (int field = 0; field < kFieldsBeforeUtime; ++field) fields >> skipped;
    double user = 0;
    double system = 0;
    fields >> user >> system;
    return CpuTime((user + system) / static_cast<double>(sysconf(_SC_CLK_TCK)));
}

}  // namespace securelogin::bench
