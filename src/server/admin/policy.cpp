#include "server/admin/policy.hpp"

#include <fmt/format.h>

#include <boost/json/value.hpp>
#include <chrono>
#include <cstdint>
#include <string>

#include "server/auth/authenticator.hpp"
#include "server/auth/odds.hpp"
#include "server/auth/password_policy.hpp"
#include "server/auth/totp.hpp"
#include "server/config.hpp"

namespace securelogin::admin {
namespace {

constexpr int kDigits = 6;  // a code's, where the user was not enrolled with 8
constexpr std::chrono::days kYear{365};

struct Odds {
    int code_guesses;
    double code;                                    // in all
    std::int64_t source_guesses, stranger_guesses;  // a year's
    double source, strangers;                       // a year's, for the weakest password that is let pass
};

Odds odds_under(const auth::Policy& policy)
{
    const auto of_source = auth::guesses_of_one_source(policy.waits, kYear);
    const auto of_strangers = auth::guesses_of_strangers(policy.ceiling, kYear);
    return {.code_guesses = auth::lifetime_limit(kDigits, policy.totp_window),
            .code = auth::odds_of_a_code(kDigits, policy.totp_window),
            .source_guesses = of_source,
            .stranger_guesses = of_strangers,
            .source = static_cast<double>(of_source) / auth::kFewestGuesses,
            .strangers = static_cast<double>(of_strangers) / auth::kFewestGuesses};
}

std::string rules(const auth::Policy& policy)
{
    const auto& waits = policy.waits;
    return fmt::format(
        "Failed attempts are counted on disk for a name and a source (an IPv4 address, an IPv6 /64, or a "
        "known\n"
        "device), for names that are nobody's too.\n"
        "  free                  {} failures bring no wait\n"
        "  wait                  then {} s, doubled each time, {} s at most; a success ends it\n"
        "  strangers together    {} wrong passwords for a name in {} h; then they wait, whoever they are\n"
        "  known sources         had a success with the name within {} days: no stranger can spend what is "
        "theirs\n"
        "  wrong codes           after a right password: {} in the life of a key with {} digits, then it is "
        "locked\n",
        waits.free, waits.first_wait.count(), waits.longest_wait.count(), policy.ceiling.failures,
        std::chrono::duration_cast<std::chrono::hours>(policy.ceiling.per).count(),
        policy.source_known_for.count(), auth::lifetime_limit(kDigits, policy.totp_window), kDigits);
}

std::string chances(const Odds& odds)
{
    return fmt::format(
        "What that leaves to somebody who guesses:\n"
        "  a code, the password known            {} guesses, {:.2g} in all\n"
        "  the weakest password, from one source {} guesses a year, {:.2g}\n"
        "  the weakest password, from anywhere   {} guesses a year, {:.2g}\n",
        odds.code_guesses, odds.code, odds.source_guesses, odds.source, odds.stranger_guesses,
        odds.strangers);
}

boost::json::value to_json(const auth::Policy& policy, const Odds& odds)
{
    return {{"free", policy.waits.free},
            {"first_wait", policy.waits.first_wait.count()},
            {"longest_wait", policy.waits.longest_wait.count()},
            {"strangers", policy.ceiling.failures},
            {"strangers_period", policy.ceiling.per.count()},
            {"source_known_for", std::chrono::seconds(policy.source_known_for).count()},
            {"code_guesses", odds.code_guesses},
            {"code_odds", odds.code},
            {"source_guesses_a_year", odds.source_guesses},
            {"source_odds_a_year", odds.source},
            {"stranger_guesses_a_year", odds.stranger_guesses},
            {"stranger_odds_a_year", odds.strangers}};
}

}  // namespace

void run(const Options& options, const PolicyExplain&, Output& output)
{
    const auto policy = read_settings(options.config).policy;
    const auto odds = odds_under(policy);
    if (!options.json) return output.write(rules(policy) + "\n" + chances(odds));
    output.write_json(to_json(policy, odds));
    output.write("\n");
}

}  // namespace securelogin::admin
