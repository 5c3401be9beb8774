#include "server/auth/odds.hpp"

#include <gtest/gtest.h>

#include <string>

#include "server/auth/authenticator.hpp"
#include "server/auth/totp.hpp"
#include "tests/support/fake_clock.hpp"
#include "tests/support/fake_random.hpp"
#include "tests/support/memory_store.hpp"

namespace securelogin::auth {
namespace {

using namespace std::chrono_literals;
using support::kNoon;

/// An attacker who guesses passwords for one name whenever an attempt is judged.
class Attack : public testing::Test {
  protected:
    /// How many are judged within `time`, when each of `sources` tries every `step`.
    std::int64_t play(int sources, std::chrono::seconds time, std::chrono::seconds step)
    {
        std::int64_t judged = 0;
        for (clock_.set(kNoon); clock_.now() <= kNoon + time; clock_.advance(step)) {
            for (int source = 0; source < sources; ++source) {
                while (guess("10.0." + std::to_string(source / 250) + "." + std::to_string(source % 250)))
                    ++judged;
            }
        }
        return judged;
    }

    /// False when the guess was not judged.
    bool guess(const std::string& address)
    {
        auto claim = authenticator_.claim("alice", Source::from_address(address));
        Admission admission;
        transact(store_, [&](Transaction& t) {
            admission = authenticator_.admit(t, claim, [](const Asker&) { return true; });
        });
        if (!admission.granted()) return false;
        transact(store_, [&](Transaction& t) { (void)authenticator_.decide(t, claim, {}, "000000"); });
        return true;
    }

    support::FakeClock clock_;
    support::FakeRandom random_;
    MasterKey master_{Secret::copy_of("0123456789abcdef0123456789abcdef")};
    support::MemoryStore store_;
    Policy policy_{.waits = {.longest_wait = 64s}, .ceiling = {.failures = 100, .per = 86400s}};
    Authenticator authenticator_{policy_, master_, clock_, random_};
};

TEST_F(Attack, OfOneSourceHasAsManyGuessesAsReckoned)
{
    EXPECT_EQ(play(1, 1h, 1s), guesses_of_one_source(policy_.waits, 1h));
}

TEST_F(Attack, OfManySourcesHasAsManyGuessesAsReckoned)
{
    // As many as there are free failures in the budget, so that no wait of a source keeps any of them.
    EXPECT_EQ(play(30, 2h, 86400s / 100), guesses_of_strangers(policy_.ceiling, 2h));
}

TEST(Odds, OfOneSource)
{
    const WaitPolicy policy;  // 4 free, 1 s doubling to 900 s
    EXPECT_EQ(guesses_of_one_source(policy, 0s), 5);
    EXPECT_EQ(guesses_of_one_source(policy, 1s), 6);
    EXPECT_EQ(guesses_of_one_source(policy, 2s), 6);
    EXPECT_EQ(guesses_of_one_source(policy, 3s), 7);
    EXPECT_EQ(guesses_of_one_source(policy, 1023s), 15);
    EXPECT_EQ(guesses_of_one_source(policy, 1023s + 900s), 16);
}

TEST(Odds, OfACodeStayBelowThePromise)
{
    for (const int digits : {6, 8}) {
        for (int window = 0; window <= 5; ++window) {
            EXPECT_LE(odds_of_a_code(digits, window), 3.1e-4) << digits << ", " << window;
            EXPECT_GT(odds_of_a_code(digits, window), 2.9e-4) << digits << ", " << window;
        }
    }
    EXPECT_DOUBLE_EQ(odds_of_a_code(6, 1), 103 * 3 / 1e6);
}

}  // namespace
}  // namespace securelogin::auth
