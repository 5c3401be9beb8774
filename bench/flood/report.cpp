#include "bench/flood/report.hpp"

#include <iostream>
#include <string>

namespace securelogin::bench {
namespace {

/// What the server says, or OpenSSL: printable, but it may hold what ends a JSON string.
std::string quoted(std::string_view text)
{
    std::string quoted = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') quoted += '\\';
        quoted += c >= ' ' ? c : '?';
    }
    return quoted + '"';
}

constexpr std::string_view text_of(bool value) { return value ? "true" : "false"; }

}  // namespace

void tell(std::string_view event) { std::cout << R"({"event": )" << quoted(event) << '}' << std::endl; }

void tell(std::string_view phase, Kind kind, double start, const Login& login)
{
    std::cout << R"({"event": "login", "phase": )" << quoted(phase) << R"(, "kind": )"
              << quoted(to_string(kind)) << R"(, "start": )" << start << R"(, "took": )" << login.took.count()
              << R"(, "in": )" << text_of(login.in) << R"(, "refused": )" << text_of(login.refused)
              << R"(, "tries": )" << login.tries << R"(, "why": )" << quoted(login.why) << "}\n";
}

void tell(const FloodTally& tally, double seconds, const CpuTimes& used)
{
    std::cout << R"({"event": "flood", "seconds": )" << seconds << R"(, "offered": )" << tally.offered
              << R"(, "judged": )" << tally.judged << R"(, "not_judged": )" << tally.not_judged
              << R"(, "turned_away": )" << tally.turned_away << R"(, "granted": )" << tally.granted
              << R"(, "held_back": )" << tally.held_back << R"(, "most_open": )" << tally.most_open
              << R"(, "server_cpu": )" << used.server.count() << R"(, "own_cpu": )" << used.own.count() << '}'
              << std::endl;
}

}  // namespace securelogin::bench
