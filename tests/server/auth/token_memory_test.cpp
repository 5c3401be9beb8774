#include "server/auth/token_memory.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "server/auth/session_check.hpp"
#include "server/auth/sessions.hpp"
#include "server/auth/token_desk.hpp"
#include "tests/support/fake_clock.hpp"
#include "tests/support/fake_random.hpp"
#include "tests/support/memory_store.hpp"

namespace securelogin::auth {
namespace {

using namespace std::chrono_literals;
using support::kNoon;

TokenHash hash_of(std::uint32_t number) { return TokenHasher()("token " + std::to_string(number)); }

FoundToken found(const std::string& name, TokenEndings as_of, Time last_used_at = kNoon)
{
    return {.holder = {.user = UserId{17},
                       .name = *UserName::parse(name),
                       .session = "0badcafe",
                       .expires_at = kNoon + 12h,
                       .last_used_at = last_used_at},
            .as_of = as_of};
}

/// Endings as the test says.
class Endings final : public TokenReader {
  public:
    std::optional<FoundToken> find_token(const TokenHash& /*token*/) override
    {
        ++look_ups;
        return there;
    }
    TokenEndings endings() override
    {
        if (broken) throw StoreError("a test");
        return forgotten + std::ssize(ended);
    }
    std::optional<std::vector<TokenHash>> ended_since(TokenEndings seen) override
    {
        ++lists;
        if (broken) throw StoreError("a test");
        if (seen < forgotten || seen > endings()) return std::nullopt;
        return std::vector<TokenHash>(ended.begin() + (seen - forgotten), ended.end());
    }

    TokenEndings forgotten = 0;  // that are not listed any more
    std::vector<TokenHash> ended;
    std::optional<FoundToken> there = std::nullopt;
    int look_ups = 0;
    int lists = 0;
    bool broken = false;
};

std::string recalled(const TokenMemory& memory, std::uint32_t number)
{
    const auto holder = memory.recall(hash_of(number));
    if (!holder) return "none";
    return holder->name.str() + " " + holder->session + " " +
           std::to_string((holder->last_used_at - kNoon).count());
}

TEST(TokenMemory, RecallsWhatItWasTold)
{
    TokenMemory memory(1000);
    EXPECT_EQ(recalled(memory, 1), "none");
    memory.remember(hash_of(1), found("alice", 0));
    EXPECT_EQ(recalled(memory, 1), "alice 0badcafe 0");
    EXPECT_EQ(recalled(memory, 2), "none");
    memory.remember(hash_of(1), found("alice", 0, kNoon + 60s));
    EXPECT_EQ(recalled(memory, 1), "alice 0badcafe 60");
    const auto holder = *memory.recall(hash_of(1));
    EXPECT_EQ(holder.user, UserId{17});
    EXPECT_EQ(holder.expires_at, kNoon + 12h);
}

TEST(TokenMemory, LongNamesAreNotRemembered)
{
    TokenMemory memory(1000);
    memory.remember(hash_of(1), found(std::string(27, 'a'), 0));
    memory.remember(hash_of(2), found(std::string(28, 'a'), 0));
    EXPECT_EQ(recalled(memory, 1), std::string(27, 'a') + " 0badcafe 0");
    EXPECT_EQ(recalled(memory, 2), "none");
}

TEST(TokenMemory, ForgetsWhatHasEndedAndNothingElse)
{
    TokenMemory memory(1000);
    Endings reader;
    for (std::uint32_t number = 0; number < 10; ++number) memory.remember(hash_of(number), found("alice", 0));
    memory.keep_up(reader);
    EXPECT_EQ(reader.lists, 0) << "nothing has ended: nothing is listed";
    reader.ended = {hash_of(3), hash_of(5), hash_of(99)};
    memory.keep_up(reader);
    for (std::uint32_t number = 0; number < 10; ++number) {
        EXPECT_EQ(recalled(memory, number) == "none", number == 3 || number == 5) << number;
    }
    reader.ended.push_back(hash_of(7));
    memory.keep_up(reader);
    memory.keep_up(reader);
    EXPECT_EQ(reader.lists, 2);
    EXPECT_EQ(recalled(memory, 7), "none");
}

TEST(TokenMemory, WhatWasLookedUpBeforeAnEndingIsNotRememberedAfterIt)
{
    TokenMemory memory(1000);
    Endings reader;
    reader.ended = {hash_of(1)};
    memory.keep_up(reader);
    memory.remember(hash_of(1), found("alice", 0));
    EXPECT_EQ(recalled(memory, 1), "none") << "looked up when it had not ended yet";
    memory.remember(hash_of(1), found("alice", 1));
    EXPECT_EQ(recalled(memory, 1), "alice 0badcafe 0") << "given anew since";
}

TEST(TokenMemory, WhatEndedTooLongAgoToBeListedIsForgottenWithAllElse)
{
    TokenMemory memory(1000);
    Endings reader;
    memory.remember(hash_of(1), found("alice", 0));
    reader.forgotten = 20'000;
    memory.keep_up(reader);
    EXPECT_EQ(recalled(memory, 1), "none");
    memory.remember(hash_of(1), found("alice", 20'000));
    EXPECT_EQ(recalled(memory, 1), "alice 0badcafe 0");
    reader.forgotten = 5;  // the database is another one
    memory.keep_up(reader);
    EXPECT_EQ(recalled(memory, 1), "none");
}

TEST(TokenMemory, WithoutTheDatabaseNothingIsBelieved)
{
    TokenMemory memory(1000);
    Endings reader;
    memory.remember(hash_of(1), found("alice", 0));
    reader.broken = true;
    EXPECT_THROW(memory.keep_up(reader), StoreError);
    reader.broken = false;
    reader.ended = {hash_of(1)};
    memory.keep_up(reader);
    EXPECT_EQ(recalled(memory, 1), "none");
}

/// Many, put and erased in every order: none is lost behind a gap.
TEST(TokenMemory, ManyComeAndGo)
{
    constexpr std::uint32_t kMany = 20'000;
    TokenMemory memory(10 * kMany);
    Endings reader;
    for (std::uint32_t number = 0; number < kMany; ++number)
        memory.remember(hash_of(number), found("alice", 0));
    for (std::uint32_t number = 0; number < kMany; number += 3) reader.ended.push_back(hash_of(number));
    memory.keep_up(reader);
    for (std::uint32_t number = 0; number < kMany; ++number) {
        ASSERT_EQ(recalled(memory, number) == "none", number % 3 == 0) << number;
    }
    for (std::uint32_t number = 0; number < kMany; ++number) {
        memory.remember(hash_of(number), found("bob", reader.endings()));
    }
    for (std::uint32_t number = 0; number < kMany; ++number)
        ASSERT_EQ(recalled(memory, number), "bob 0badcafe 0");
}

TEST(TokenMemory, IsBounded)
{
    TokenMemory memory(640);
    std::size_t remembered = 0;
    for (std::uint32_t number = 0; number < 10'000; ++number)
        memory.remember(hash_of(number), found("alice", 0));
    for (std::uint32_t number = 0; number < 10'000; ++number)
        remembered += recalled(memory, number) == "none" ? 0 : 1;
    EXPECT_LE(remembered, 640U * 4) << "small shares have much to spare";
    // A slot, and the room for more that comes with it: what `status` prints is never passed.
    EXPECT_LE(remembered * 118, TokenMemory::bytes_for(640));
    EXPECT_GE(remembered, 640U);
}

TEST(TokenMemory, AsManyAsItIsForAreAllRemembered)
{
    constexpr std::uint32_t kMany = 64'000;
    TokenMemory memory(kMany);
    for (std::uint32_t number = 0; number < kMany; ++number)
        memory.remember(hash_of(number), found("alice", 0));
    for (std::uint32_t number = 0; number < kMany; ++number)
        ASSERT_EQ(recalled(memory, number), "alice 0badcafe 0");
}

/// As many at one place as fill huge pages: none is lost where it grows into them, nor behind a gap in them.
TEST(TokenMemory, ManyAreRememberedInHugePages)
{
    constexpr std::uint32_t kMany = 60'000;
    TokenMemory memory(16 * kMany);
    Endings reader;
    const auto token = [](std::uint32_t number) {
        auto hash = hash_of(number);
        hash.back() = 0;
        return hash;
    };
    for (std::uint32_t number = 0; number < kMany; ++number) {
        memory.remember(token(number), found("alice", 0));
        if (number % 3 == 0) reader.ended.push_back(token(number));
    }
    memory.keep_up(reader);
    for (std::uint32_t number = 0; number < kMany; ++number) {
        ASSERT_EQ(memory.recall(token(number)).has_value(), number % 3 != 0) << number;
    }
}

TEST(TokenMemory, AUseIsRememberedOfWhatIsRememberedOnly)
{
    TokenMemory memory(1000);
    memory.use(hash_of(1), kNoon + 60s);
    EXPECT_EQ(recalled(memory, 1), "none");
    memory.remember(hash_of(1), found("alice", 0));
    memory.use(hash_of(1), kNoon + 60s);
    memory.use(hash_of(1), kNoon + 30s);
    EXPECT_EQ(recalled(memory, 1), "alice 0badcafe 60");
}

TEST(SessionCheck, AUseThatIsDueIsAnsweredFromMemoryAndAskedForUntilItIsNoted)
{
    support::FakeClock clock;
    support::FakeRandom random;
    TokenMemory memory(1000);
    Endings reader;
    reader.there = found("alice", 0);
    SessionCheck check({.idle = 30min, .absolute = 12h}, clock, reader, &memory);
    const auto token = new_token(random);
    EXPECT_FALSE(check.check(token.view()).touch);
    clock.advance(1min);
    for (int time = 0; time < 3; ++time) {
        const auto verdict = check.check(token.view());
        EXPECT_TRUE(verdict.holder && verdict.touch) << time;
    }
    check.use_noted(TokenHasher()(token.view()));
    EXPECT_FALSE(check.check(token.view()).touch);
    EXPECT_EQ(reader.look_ups, 1);
    clock.advance(29min + 59s);
    EXPECT_TRUE(check.check(token.view()).holder) << "used half an hour ago, all but a second";
    EXPECT_EQ(reader.look_ups, 1);
    clock.advance(1s);
    EXPECT_FALSE(check.check(token.view()).holder);
    EXPECT_EQ(reader.look_ups, 2) << "a no is looked up";
}

/// What is only good for a new password is used as well, and is noted like any other.
TEST(TokenDesk, TheUseOfAConfinedSessionIsNoted)
{
    support::FakeClock clock;
    support::FakeRandom random;
    support::MemoryStore store;
    const NewAccount account{.id = UserId{1},
                             .name = *UserName::parse("alice"),
                             .phc = Secret::copy_of("$argon2id$"),
                             .totp_secret = Secret::copy_of("12345678901234567890"),
                             .totp = {},
                             .created_at = kNoon};
    const Session session{.user = UserId{1},
                          .id = "0badcafe",
                          .opened_at = kNoon,
                          .expires_at = kNoon + 12h,
                          .last_used_at = kNoon,
                          .source = "local"};
    const auto token = new_token(random);
    const auto hash = TokenHasher()(token.view());
    transact(store, [&](Transaction& t) {
        EXPECT_TRUE(t.add_account(account));
        t.require_new_password(*t.find_account(account.name));
        EXPECT_TRUE(t.open_session(session));
        t.set_session_token(session, hash);
    });
    TokenMemory memory(1000);
    TokenDesk desk(store, &memory, clock, {});
    clock.advance(61s);
    for (int time = 0; time < 2; ++time) {
        const auto verdict = desk.check(hash);
        EXPECT_FALSE(verdict.holder);
        EXPECT_TRUE(verdict.confined);
        desk.write_uses();
    }
    transact(store, [&](Transaction& t) {
        EXPECT_EQ(t.find_session(UserId{1}, "0badcafe")->last_used_at, kNoon + 61s);
    });
}

/// One revokes, others look: nobody gets a yes to a question that came after the revocation.
TEST(TokenMemory, WhatIsRevokedIsRefusedAtOnceByEveryThread)
{
    support::FakeClock clock;
    support::FakeRandom random;
    support::MemoryStore store;
    const NewAccount account{.id = UserId{1},
                             .name = *UserName::parse("alice"),
                             .phc = Secret::copy_of("$argon2id$"),
                             .totp_secret = Secret::copy_of("12345678901234567890"),
                             .totp = {},
                             .created_at = kNoon};
    const Session session{.user = UserId{1},
                          .id = "0badcafe",
                          .opened_at = kNoon,
                          .expires_at = kNoon + 12h,
                          .last_used_at = kNoon,
                          .source = "local"};
    transact(store, [&](Transaction& t) {
        EXPECT_TRUE(t.add_account(account));
        EXPECT_TRUE(t.open_session(session));
    });
    constexpr int kTokens = 300;
    std::vector<std::string> tokens;
    for (int number = 0; number < kTokens; ++number) tokens.emplace_back(new_token(random).view());
    std::atomic<int> given = 0;  // tokens before this one have ended
    std::atomic<int> yes_in_vain = 0;
    std::atomic<int> right = 0;
    TokenMemory memory(1000);
    {
        std::vector<std::jthread> askers;
        for (int thread = 0; thread < 3; ++thread) {
            askers.emplace_back([&] {
                const auto reader = store.open_token_reader();
                SessionCheck check({}, clock, *reader, &memory);
                for (int now = 0; now < kTokens;) {
                    now = given;
                    check.keep_up();
                    if (now > 0 && check.check(tokens[static_cast<std::size_t>(now - 1)]).holder)
                        ++yes_in_vain;
                    if (now < kTokens && check.check(tokens[static_cast<std::size_t>(now)]).holder) ++right;
                }
            });
        }
        for (int number = 0; number < kTokens; ++number) {
            const auto hash = TokenHasher()(tokens[static_cast<std::size_t>(number)]);
            transact(store, [&](Transaction& t) { t.set_session_token(session, hash); });
            const int before = right;
            given = number;
            // Some end when they have been found good, whichever thread runs when; the others at any moment.
            while (number % 10 == 0 && right == before) std::this_thread::yield();
        }
        transact(store, [&](Transaction& t) { t.end_session(session.user, session.id); });
        given = kTokens;
    }
    EXPECT_EQ(yes_in_vain, 0);
    EXPECT_GT(right, 0);
}

TEST(SessionCheck, WhoMustChangeThePasswordIsAYesToNobodyAndIsNotRemembered)
{
    support::FakeClock clock;
    support::FakeRandom random;
    const auto token = new_token(random);
    Endings reader;
    TokenMemory memory(10);
    SessionCheck check({}, clock, reader, &memory);
    reader.there = found("alice", 0);
    reader.there->holder.must_change = true;
    for (int times = 1; times <= 2; ++times) {
        const auto verdict = check.check(token.view());
        EXPECT_FALSE(verdict.holder);
        EXPECT_EQ(verdict.confined.value().name.str(), "alice");
        EXPECT_FALSE(verdict.malformed);
        EXPECT_EQ(reader.look_ups, times);
    }
    clock.advance(2min);
    EXPECT_TRUE(check.check(token.view()).touch) << "its use is written down as any";
    clock.advance(28min);
    EXPECT_FALSE(check.check(token.view()).confined) << "it ends as any";
}

}  // namespace
}  // namespace securelogin::auth
