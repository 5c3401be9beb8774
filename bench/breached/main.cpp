// bench_breached: makes a list of breached passwords of the wanted size, and counts the reads that look-ups
// in it take.
//
// The hashes are as far apart as those of real passwords: at random.  With --skewed they are as no hashes
// are, crowded at the beginning: the worst for a search that expects them to be spread evenly.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "server/auth/breached_passwords.hpp"

namespace securelogin::bench {
namespace {

using auth::Sha1;

constexpr std::size_t kLine = 45;         // octets of most lines
constexpr std::size_t kRemembered = 997;  // every so many-th line is looked up later

struct Plan {
    std::filesystem::path file;
    double gigabytes = 1;
    std::size_t lookups = 100'000;
    bool skewed = false;
};

Sha1 hash_of(std::uint64_t first, std::uint64_t second)
{
    Sha1 hash{};
    for (std::size_t at = 16; at-- > 8; second >>= 8U)
        hash.at(at) = static_cast<std::uint8_t>(second & 0xFFU);
    for (std::size_t at = 8; at-- > 0; first >>= 8U) hash.at(at) = static_cast<std::uint8_t>(first & 0xFFU);
    return hash;
}

/// So many hashes in their order.
class Hashes {
  public:
    Hashes(std::size_t count, bool skewed) : count_(static_cast<double>(count)), skewed_(skewed) {}

    Sha1 next()
    {
        ++index_;
        if (skewed_) return hash_of(on_curve(static_cast<double>(index_) / count_), index_);
        place_ += std::ldexp(1.0, 64) / (count_ * 1.0005) * wait_(generator_);
        last_ = std::max(static_cast<std::uint64_t>(std::min(place_, kMost)), last_ + 1);
        return hash_of(last_, generator_());
    }
    /// One that is most likely in no list.
    Sha1 stranger()
    {
        const auto first = generator_();
        const auto share = std::ldexp(static_cast<double>(first >> 11U), -53);
        return hash_of(skewed_ ? on_curve(share) : first, generator_() | (std::uint64_t{1} << 63U));
    }

  private:
    static constexpr double kMost = 0x1.fffffffffffp63;  // with room for those that come out beyond it

    /// Twice as far apart, again and again: nothing is where it is expected.
    static std::uint64_t on_curve(double share)
    {
        return static_cast<std::uint64_t>(std::exp2(63.9 * share));
    }

    std::mt19937_64 generator_{20261122};
    std::exponential_distribution<double> wait_{1.0};
    const double count_;
    const bool skewed_;
    std::uint64_t index_ = 0;
    double place_ = 0;
    std::uint64_t last_ = 0;
};

void append_line(std::string& text, const Sha1& hash, std::uint64_t count)
{
    constexpr std::string_view digits = "0123456789ABCDEF";
    for (const auto octet : hash) {
        text += digits[octet >> 4U];
        text += digits[octet & 0xFU];
    }
    text.append(":").append(std::to_string(count)).append("\r\n");
}

/// Some of the hashes that are in it.
std::vector<Sha1> make_list(const Plan& plan, Hashes& hashes, std::size_t lines)
{
    constexpr std::size_t chunk = std::size_t{1} << 20U;
    std::ofstream out(plan.file, std::ios::binary);
    std::vector<Sha1> some;
    std::string text;
    for (std::size_t line = 0; line < lines; ++line) {
        const auto hash = hashes.next();
        if (line % kRemembered == 0) some.push_back(hash);
        append_line(text, hash, line % 97 + 1);
        if (text.size() < chunk && line + 1 < lines) continue;
        out << text;
        text.clear();
    }
    if (!out.flush()) throw std::runtime_error(plan.file.string() + ": cannot be written");
    return some;
}

void measure(const Plan& plan)
{
    const auto lines = static_cast<std::size_t>(plan.gigabytes * 1e9) / kLine;
    Hashes hashes(lines, plan.skewed);
    const auto known = make_list(plan, hashes, lines);
    const auth::BreachedPasswords list(plan.file);

    std::size_t wrong = 0;
    std::size_t reads = 0;
    int most = 0;
    const auto begin = std::chrono::steady_clock::now();
    for (std::size_t lookup = 0; lookup < plan.lookups; ++lookup) {
        const bool is_known = lookup % 2 == 0;
        const auto hash = is_known ? known.at(lookup * 31 % known.size()) : hashes.stranger();
        const auto search = list.find(hash);
        if (search.found != is_known) ++wrong;
        reads += static_cast<std::size_t>(search.reads);
        most = std::max(most, search.reads);
    }
    const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - begin;
    const auto count = static_cast<double>(plan.lookups);
    std::printf(
        "breached passwords: %ju octets, %zu look-ups, %zu wrong: at most %d reads, %.2f on average, of %d "
        "allowed; %.1f us each\n",
        static_cast<std::uintmax_t>(std::filesystem::file_size(plan.file)), plan.lookups, wrong, most,
        static_cast<double>(reads) / count, list.most_reads(), took.count() / count);
    if (wrong > 0 || most > list.most_reads()) throw std::runtime_error("look-ups failed");
}

}  // namespace
}  // namespace securelogin::bench

int main(int argc, char** argv)
{
    try {
        securelogin::bench::Plan plan;
        CLI::App app("counts the reads of look-ups in a list of breached passwords", "bench_breached");
        app.add_option("FILE", plan.file, "is made, and stays")->required();
        app.add_option("--gigabytes", plan.gigabytes)->capture_default_str();
        app.add_option("--lookups", plan.lookups)->capture_default_str();
        app.add_flag("--skewed", plan.skewed, "hashes that are spread as unevenly as can be");
        CLI11_PARSE(app, argc, argv);
        securelogin::bench::measure(plan);
        return 0;
    } catch (const std::exception& error) {
        std::cerr << "bench_breached: " << error.what() << '\n';
        return 1;
    }
}
