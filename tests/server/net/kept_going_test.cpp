#include "server/net/kept_going.hpp"

#include <gtest/gtest.h>

#include <new>
#include <optional>
#include <thread>
#include <vector>

namespace securelogin::net {
namespace {

using std::chrono::milliseconds;

/// What is kept going: as long as it has its token.
class KeptGoingTest : public testing::Test {
  protected:
    KeptGoing::Start keep()
    {
        return [this](KeptGoing::Token token) {
            ++starts_;
            tokens_.push_back(std::move(token));
        };
    }
    void end_one()
    {
        auto ending = std::move(tokens_);
        tokens_.clear();
        ending.clear();
    }

    int starts_ = 0;
    std::vector<KeptGoing::Token> tokens_;
};

TEST_F(KeptGoingTest, IsStartedOnceAndAgainWheneverItEnds)
{
    const KeptGoing kept(keep(), milliseconds(0));
    EXPECT_EQ(starts_, 1);
    for (int ends = 1; ends <= 3; ++ends) {
        end_one();
        EXPECT_EQ(starts_, 1 + ends);
        EXPECT_EQ(tokens_.size(), 1U);
    }
}

TEST_F(KeptGoingTest, MayEndWhenNobodyWantsItAnyMore)
{
    KeptGoing kept(keep(), milliseconds(0));
    kept.end();
    end_one();
    EXPECT_EQ(starts_, 1);
    EXPECT_TRUE(tokens_.empty());
}

TEST_F(KeptGoingTest, MayEndAfterItsKeeper)
{
    std::optional<KeptGoing> kept;
    kept.emplace(keep(), milliseconds(0));
    kept.reset();
    end_one();
    EXPECT_EQ(starts_, 1);
}

TEST_F(KeptGoingTest, AStartThatFailsIsTriedAgain)
{
    const KeptGoing kept(
        [this](KeptGoing::Token token) {
            const int number = ++starts_;
            if (number == 1) throw std::bad_alloc();
            if (number == 2) return;  // the token goes, and nothing is thrown: co_spawn does that
            tokens_.push_back(std::move(token));
        },
        milliseconds(0));
    EXPECT_EQ(starts_, 3);
    EXPECT_EQ(tokens_.size(), 1U);
}

TEST_F(KeptGoingTest, IsStartedAgainByWhicheverThreadEndsIt)
{
    const KeptGoing kept(keep(), milliseconds(0));
    std::thread([this] { end_one(); }).join();
    EXPECT_EQ(starts_, 2);
    EXPECT_EQ(tokens_.size(), 1U);
}

TEST(KeptGoingDeathTest, AServerThatLetsNobodyInEnds)
{
    EXPECT_DEATH(KeptGoing([](KeptGoing::Token) { throw std::bad_alloc(); }, milliseconds(0)), "");
}

}  // namespace
}  // namespace securelogin::net
