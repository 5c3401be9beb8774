#include "server/net/handshakes.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace securelogin::net {
namespace {

auth::Source numbered(int number) { return auth::Source::from_address("192.0.2." + std::to_string(number)); }

/// A handshake, or somebody who waits for one.
class Asker {
  public:
    Asker(Handshakes& handshakes, const auth::Source& source)
        : turn_(handshakes.ask(source,
                               {.granted = [this] { ++granted; }, .displaced = [this] { ++displaced; }}))
    {
    }
    [[nodiscard]] bool has_come() const { return turn_->has_come(); }
    void leave() { turn_.reset(); }
    /// After it has waited for so long.
    void insist(Handshakes::Clock::duration later) { turn_->insist(Handshakes::Clock::now() + later); }

    int granted = 0;
    int displaced = 0;

  private:
    std::optional<Handshakes::Turn> turn_;
};

class HandshakesTest : public testing::Test {
  protected:
    /// Asks from 192.0.2.`source`.
    Asker& ask(int source) { return askers_.emplace_back(handshakes_, numbered(source)); }

    Handshakes handshakes_{{.in_all = 4, .per_source = 2}};
    std::deque<Asker> askers_;
};

TEST_F(HandshakesTest, ASourceHasSoManyAndTheNextWaits)
{
    auto& first = ask(1);
    auto& second = ask(1);
    auto& third = ask(1);
    EXPECT_TRUE(first.has_come() && second.has_come());
    EXPECT_FALSE(third.has_come());
    EXPECT_TRUE(ask(2).has_come()) << "others are not its victims";
    second.leave();
    EXPECT_TRUE(third.has_come());
    EXPECT_EQ(third.granted, 1);
    EXPECT_EQ(first.granted, 0) << "who need not wait is not told";
}

TEST_F(HandshakesTest, WhoWaitsOfASourceIsServedInOrder)
{
    auto& first = ask(1);
    ask(1);
    auto& third = ask(1);
    auto& fourth = ask(1);
    first.leave();
    EXPECT_TRUE(third.has_come());
    EXPECT_FALSE(fourth.has_come());
}

TEST_F(HandshakesTest, WhoLeavesTheLineIsPassedBy)
{
    auto& first = ask(1);
    ask(1);
    auto& third = ask(1);
    auto& fourth = ask(1);
    third.leave();
    first.leave();
    EXPECT_EQ(third.granted, 0);
    EXPECT_TRUE(fourth.has_come());
}

TEST_F(HandshakesTest, ANewSourceTakesThePlaceOfTheOldestOfTheOneThatHasMost)
{
    auto& dawdler = ask(1);
    auto& other = ask(1);
    ask(2);
    ask(3);
    EXPECT_TRUE(ask(4).has_come());
    EXPECT_EQ(dawdler.displaced, 1);
    EXPECT_FALSE(dawdler.has_come());
    EXPECT_EQ(other.displaced, 0);
    EXPECT_EQ(handshakes_.counts().under_way, 4U);
    EXPECT_EQ(handshakes_.counts().displaced, 1U);
}

TEST_F(HandshakesTest, WhoHasOneDisplacesNobody)
{
    ask(1);
    ask(1);
    ask(2);
    ask(3);
    EXPECT_FALSE(ask(2).has_come());
    EXPECT_EQ(handshakes_.counts().displaced, 0U);
}

TEST_F(HandshakesTest, WhereEachHasOneANewSourceWaits)
{
    for (int source = 1; source <= 4; ++source) EXPECT_TRUE(ask(source).has_come());
    auto& next = ask(5);
    EXPECT_FALSE(next.has_come());
    askers_.front().leave();
    EXPECT_TRUE(next.has_come());
}

TEST_F(HandshakesTest, SourcesThatWaitTakeTurns)
{
    for (int source = 1; source <= 4; ++source) ask(source);
    auto& greedy = ask(5);
    auto& greedy_again = ask(5);
    auto& modest = ask(6);
    askers_[0].leave();
    EXPECT_TRUE(greedy.has_come());
    askers_[1].leave();
    EXPECT_TRUE(modest.has_come());
    EXPECT_FALSE(greedy_again.has_come());
    askers_[2].leave();
    EXPECT_TRUE(greedy_again.has_come());
}

TEST_F(HandshakesTest, ASourceThatHasAllItMayHoldsUpNobodyInTheLine)
{
    ask(1);
    ask(1);
    auto& waits = ask(1);
    ask(2);
    ask(3);
    auto& new_one = ask(4);  // displaces the oldest of 1, who then may have one more, but all are taken
    EXPECT_TRUE(new_one.has_come());
    EXPECT_FALSE(waits.has_come());
    new_one.leave();
    EXPECT_TRUE(waits.has_come());
}

TEST_F(HandshakesTest, WhoInsistsGetsThePlaceOfOneOfItsSourceThatDawdles)
{
    auto& dawdler = ask(1);
    auto& other = ask(1);
    auto& waits = ask(1);
    waits.insist(Handshakes::kTenure / 2);
    EXPECT_FALSE(waits.has_come()) << "that one may take its time";
    waits.insist(Handshakes::kTenure);
    EXPECT_TRUE(waits.has_come());
    EXPECT_EQ(waits.granted, 1);
    EXPECT_EQ(dawdler.displaced, 1);
    EXPECT_EQ(other.displaced, 0);
    waits.insist(Handshakes::kTenure);
    EXPECT_EQ(other.displaced, 0) << "who has a place has nothing to insist on";
    EXPECT_EQ(handshakes_.counts().under_way, 2U);
}

TEST_F(HandshakesTest, WhereEachHasOneWhoInsistsGetsTheOldestsPlace)
{
    for (int source = 1; source <= 4; ++source) ask(source);
    auto& next = ask(5);
    next.insist(Handshakes::kTenure);
    EXPECT_TRUE(next.has_come());
    EXPECT_EQ(askers_.front().displaced, 1);
    askers_.clear();
    EXPECT_EQ(handshakes_.counts().under_way, 0U);
}

TEST_F(HandshakesTest, WhoInsistsServesTheLine)
{
    ask(1);
    ask(1);
    auto& first = ask(1);
    auto& second = ask(1);
    second.insist(Handshakes::kTenure);
    EXPECT_TRUE(first.has_come());
    EXPECT_FALSE(second.has_come());
    second.insist(Handshakes::kTenure);
    EXPECT_TRUE(second.has_come());
}

TEST_F(HandshakesTest, TheDisplacedGiveNothingBackTwice)
{
    auto& dawdler = ask(1);
    ask(1);
    ask(2);
    ask(3);
    ask(4);
    dawdler.leave();
    EXPECT_EQ(handshakes_.counts().under_way, 4U);
    askers_.clear();
    EXPECT_EQ(handshakes_.counts().under_way, 0U);
}

TEST_F(HandshakesTest, AWholeIPv6SiteIsOneSource)
{
    const auto at = [](const std::string& address) { return auth::Source::from_address(address); };
    const Asker one(handshakes_, at("2001:db8:7:1::1"));
    const Asker two(handshakes_, at("2001:db8:7:2::1"));
    const Asker three(handshakes_, at("2001:db8:7:3::1"));
    const Asker elsewhere(handshakes_, at("2001:db8:8::1"));
    EXPECT_TRUE(one.has_come() && two.has_come());
    EXPECT_FALSE(three.has_come());
    EXPECT_TRUE(elsewhere.has_come());
}

TEST_F(HandshakesTest, HigherLimitsLetInWhoWaits)
{
    ask(1);
    ask(1);
    auto& third = ask(1);
    handshakes_.set_limits({.in_all = 4, .per_source = 3});
    EXPECT_TRUE(third.has_come());
}

TEST_F(HandshakesTest, LowerLimitsLeaveWhatIsUnderWay)
{
    auto& first = ask(1);
    auto& second = ask(1);
    handshakes_.set_limits({.in_all = 4, .per_source = 1});
    EXPECT_TRUE(first.has_come() && second.has_come());
    auto& third = ask(1);
    first.leave();
    EXPECT_FALSE(third.has_come());
    second.leave();
    EXPECT_TRUE(third.has_come());
}

TEST(Handshakes, HoldUnderManyThreads)
{
    constexpr std::size_t kMost = 8;
    Handshakes handshakes({.in_all = kMost, .per_source = 4});
    std::atomic<bool> exceeded = false;
    {
        std::vector<std::jthread> threads;
        for (int thread = 0; thread < 4; ++thread) {
            threads.emplace_back([&, thread] {
                std::deque<Handshakes::Turn> held;
                for (int tries = 0; tries < 5000; ++tries) {
                    held.push_back(handshakes.ask(numbered(1 + (tries + thread) % 5),
                                                  {.granted = [] {}, .displaced = [] {}}));
                    if (handshakes.counts().under_way > kMost) exceeded = true;
                    if (held.size() > 6) held.pop_front();
                }
            });
        }
    }
    EXPECT_FALSE(exceeded);
    EXPECT_EQ(handshakes.counts().under_way, 0U);
    EXPECT_EQ(handshakes.counts().waiting, 0U);
}

}  // namespace
}  // namespace securelogin::net
