// What may be done with open sessions, and whose token it is.
#include "server/auth/sessions.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "server/auth/accounts.hpp"
#include "server/auth/session_check.hpp"
#include "tests/support/fake_clock.hpp"
#include "tests/support/fake_random.hpp"
#include "tests/support/memory_store.hpp"

namespace securelogin::auth {
namespace {

using namespace std::chrono_literals;
using support::kNoon;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr SessionPolicy kPolicy{};

UserName name(std::string_view text) { return UserName::parse(text).value(); }

/// Alice (1) and Bob (2), with two sessions each, opened at noon.
class SessionsTest : public testing::Test {
  protected:
    SessionsTest()
    {
        for (const auto& [who, id] : {std::pair("alice", 1), std::pair("bob", 2)}) {
            const NewAccount account{.id = UserId{id},
                                     .name = name(who),
                                     .phc = Secret::copy_of("$argon2id$"),
                                     .totp_secret = Secret::copy_of("12345678901234567890"),
                                     .totp = {},
                                     .created_at = clock_.now()};
            commit([&](Transaction& t) { EXPECT_TRUE(t.add_account(account)); });
            open(id, "aaaaaaaa");
            open(id, "bbbbbbbb");
        }
        own_ = *find(1, "aaaaaaaa");
    }

    void commit(const Store::Work& work) { transact(store_, work); }
    /// What `read` answers in a transaction of its own.
    template <typename Read>
    auto within(Read read)
    {
        std::optional<decltype(read(std::declval<Transaction&>()))> result;
        commit([&](Transaction& transaction) { result.emplace(read(transaction)); });
        return *std::move(result);
    }
    Session open(std::int64_t user, const std::string& id)
    {
        const Session session{.user = UserId{user},
                              .id = id,
                              .opened_at = clock_.now(),
                              .expires_at = clock_.now() + kPolicy.absolute,
                              .last_used_at = clock_.now(),
                              .source = "192.0.2.7"};
        commit([&](Transaction& t) { EXPECT_TRUE(t.open_session(session)); });
        return session;
    }
    std::optional<Session> find(std::int64_t user, std::string_view id)
    {
        return within([&](Transaction& t) { return t.find_session(UserId{user}, id); });
    }
    /// Alice's that stand, as her own session lists them; `ended` when that one does not.
    std::vector<std::string> listed()
    {
        const auto sessions = within([&](Transaction& t) { return sessions_.list(t, own_); });
        std::vector<std::string> ids;
        if (!sessions) return {"ended"};
        for (const auto& session : *sessions) ids.push_back(session.id);
        return ids;
    }
    std::optional<std::size_t> revoke(std::string_view which)
    {
        return within([&](Transaction& t) { return sessions_.revoke(t, own_, which); });
    }
    /// A token of this session.
    std::string give_token(const Session& session)
    {
        const auto token = new_token(random_);
        commit([&](Transaction& t) {
            EXPECT_TRUE(sessions_.give_token(t, session, TokenHasher()(token.view())));
        });
        return std::string(token.view());
    }
    TokenVerdict check(std::string_view token, const SessionPolicy& policy = kPolicy)
    {
        const auto reader = store_.open_token_reader();
        return SessionCheck(policy, clock_, *reader).check(token);
    }
    std::vector<std::string> audit()
    {
        std::vector<std::string> lines;
        for (const auto& record : store_.audit()) {
            lines.push_back(record.event + " " + record.outcome + " " + record.reason + " of " +
                            std::to_string(static_cast<std::int64_t>(record.user.value())) + " by " +
                            record.source);
        }
        return lines;
    }

    support::FakeClock clock_;
    support::FakeRandom random_;
    support::MemoryStore store_;
    const Sessions sessions_{kPolicy, clock_};
    Session own_{};  // Alice's first
};

TEST(TouchInterval, IsAMinuteOrAQuarterOfTheIdleLimit)
{
    EXPECT_EQ(touch_interval({.idle = 30min}), 1min);
    EXPECT_EQ(touch_interval({.idle = 4min}), 1min);
    EXPECT_EQ(touch_interval({.idle = 60s}), 15s);
    EXPECT_EQ(touch_interval({.idle = 2s}), 0s);
}

TEST_F(SessionsTest, ASessionInUseDoesNotEndForWantOfUse)
{
    for (const auto idle : {60s, 4s, 1800s}) {
        const Sessions sessions({.idle = idle, .absolute = 12h}, clock_);
        const auto session = open(1, "cccccccc");
        for (int use = 0; use < 8; ++use) {
            clock_.advance(idle / 2 + 1s);
            EXPECT_TRUE(within([&](Transaction& t) {
                return sessions.still_live(t, session.user, session.id);
            })) << idle.count()
                << " s, use " << use;
        }
        commit([&](Transaction& t) { t.end_session(session.user, session.id); });
    }
}

TEST_F(SessionsTest, UseIsWrittenDownOnceAMinute)
{
    const auto used = [&](std::chrono::seconds later) {
        clock_.advance(later);
        EXPECT_TRUE(within([&](Transaction& t) { return sessions_.still_live(t, own_.user, own_.id); }));
        return find(1, "aaaaaaaa")->last_used_at - kNoon;
    };
    EXPECT_EQ(used(59s), 0s);
    EXPECT_EQ(used(1s), 60s);
    EXPECT_EQ(used(59s), 60s);
}

TEST_F(SessionsTest, OneThatHasEndedIsNotRevivedByUse)
{
    clock_.advance(kPolicy.idle);
    EXPECT_FALSE(within([&](Transaction& t) { return sessions_.still_live(t, own_.user, own_.id); }));
    EXPECT_EQ(find(1, "aaaaaaaa")->last_used_at, kNoon);
}

TEST_F(SessionsTest, AreListedOwnFirstThenByUse)
{
    clock_.advance(5min);
    open(1, "cccccccc");
    open(1, "00000000");
    EXPECT_THAT(listed(), ElementsAre("aaaaaaaa", "00000000", "cccccccc", "bbbbbbbb"));
    clock_.advance(31min);
    EXPECT_THAT(listed(), ElementsAre("ended")) << "who has ended sees nothing";
}

TEST_F(SessionsTest, ListsOnlyThoseThatStand)
{
    clock_.advance(29min);
    EXPECT_THAT(listed(), ElementsAre("aaaaaaaa", "bbbbbbbb"));
    clock_.advance(2min);
    EXPECT_THAT(listed(), ElementsAre("aaaaaaaa")) << "the other has been idle for too long";
}

TEST_F(SessionsTest, OneIsRevoked)
{
    EXPECT_EQ(revoke("bbbbbbbb"), 1U);
    EXPECT_FALSE(find(1, "bbbbbbbb"));
    EXPECT_TRUE(find(1, "aaaaaaaa"));
    EXPECT_TRUE(find(2, "bbbbbbbb")) << "another user's of the same id";
    EXPECT_THAT(audit(), ElementsAre("session.revoke done bbbbbbbb of 1 by 192.0.2.7"));
}

TEST_F(SessionsTest, AllOthersAreRevoked)
{
    open(1, "cccccccc");
    EXPECT_EQ(revoke("all"), 2U);
    EXPECT_THAT(listed(), ElementsAre("aaaaaaaa"));
    EXPECT_TRUE(find(2, "aaaaaaaa"));
    EXPECT_THAT(audit(), ElementsAre("session.revoke done all of 1 by 192.0.2.7"));
}

TEST_F(SessionsTest, WhatIsNotThereIsNotRevokedAndNotWrittenDown)
{
    for (const auto* const which : {"cccccccc", "", "b", "bbbbbbbb ", "*", "%", "' OR 1=1"}) {
        EXPECT_EQ(revoke(which), 0U) << which;
    }
    EXPECT_EQ(revoke("all"), 1U);
    EXPECT_EQ(revoke("all"), 0U) << "there is none left but this one";
    EXPECT_THAT(audit(), ElementsAre("session.revoke done all of 1 by 192.0.2.7"));
}

TEST_F(SessionsTest, WhoHasEndedDoesNothing)
{
    commit([&](Transaction& t) { t.end_session(own_.user, own_.id); });
    EXPECT_EQ(revoke("bbbbbbbb"), std::nullopt);
    EXPECT_EQ(revoke("all"), std::nullopt);
    EXPECT_FALSE(within([&](Transaction& t) { return sessions_.give_token(t, own_, {}); }));
    EXPECT_TRUE(find(1, "bbbbbbbb"));
    EXPECT_THAT(audit(), IsEmpty());
}

TEST_F(SessionsTest, TheAdministratorEndsOneOrAll)
{
    const auto revoke_of = [&](std::string_view who, std::string_view which) {
        return within([&](Transaction& t) { return sessions_.revoke_of(t, name(who), which); });
    };
    EXPECT_EQ(revoke_of("mallory", "all"), std::nullopt);
    EXPECT_EQ(revoke_of("bob", "cccccccc"), 0U);
    EXPECT_EQ(revoke_of("bob", "aaaaaaaa"), 1U);
    EXPECT_EQ(revoke_of("alice", "all"), 2U) << "none is spared";
    EXPECT_FALSE(find(1, "aaaaaaaa"));
    EXPECT_TRUE(find(2, "bbbbbbbb"));
    EXPECT_THAT(audit(), ElementsAre("session.revoke done aaaaaaaa of 2 by admin",
                                     "session.revoke done all of 1 by admin"));
}

// Tokens

TEST_F(SessionsTest, ATokenIsItsHolders)
{
    const auto token = give_token(own_);
    const auto verdict = check(token);
    ASSERT_TRUE(verdict.holder);
    EXPECT_EQ(verdict.holder->name.str(), "alice");
    EXPECT_EQ(verdict.holder->session, "aaaaaaaa");
    EXPECT_EQ(verdict.holder->expires_at, kNoon + kPolicy.absolute);
    EXPECT_FALSE(verdict.malformed);
    EXPECT_TRUE(find(1, "aaaaaaaa")->has_token);
    EXPECT_FALSE(find(1, "bbbbbbbb")->has_token);
    EXPECT_THAT(audit(), ElementsAre("session.token done aaaaaaaa of 1 by 192.0.2.7"));
}

TEST_F(SessionsTest, ANewTokenEndsTheOneBefore)
{
    const auto first = give_token(own_);
    const auto second = give_token(own_);
    EXPECT_FALSE(check(first).holder);
    EXPECT_TRUE(check(second).holder);
}

struct Ending {
    std::string name;
    std::function<void(Transaction&, const Sessions&, const Accounts&, const Session&)> end;
};

void PrintTo(const Ending& row, std::ostream* out) { *out << row.name; }

class TokenEnds : public SessionsTest, public testing::WithParamInterface<Ending> {};

TEST_P(TokenEnds, WithItsSession)
{
    const auto token = give_token(own_);
    const auto bobs = give_token(*find(2, "aaaaaaaa"));
    ASSERT_TRUE(check(token).holder);
    const Accounts accounts(clock_, random_, "admin");
    commit([&](Transaction& t) { GetParam().end(t, sessions_, accounts, own_); });
    EXPECT_FALSE(check(token).holder);
    EXPECT_FALSE(check(token).malformed);
    EXPECT_TRUE(check(bobs).holder);
}

INSTANTIATE_TEST_SUITE_P(
    Sessions, TokenEnds,
    testing::Values(
        Ending{"Logout", [](auto& store, auto&, auto&, auto& own) { store.end_session(own.user, own.id); }},
        Ending{"Revoked", [](auto& store, auto& sessions, auto&,
                             auto&) { EXPECT_EQ(sessions.revoke_of(store, name("alice"), "aaaaaaaa"), 1U); }},
        Ending{"AllRevoked", [](auto& store, auto& sessions, auto&,
                                auto&) { EXPECT_EQ(sessions.revoke_of(store, name("alice"), "all"), 2U); }},
        Ending{"RevokedByAnotherSession",
               [](auto& store, auto& sessions, auto&, auto& own) {
                   const auto other = *store.find_session(own.user, "bbbbbbbb");
                   EXPECT_EQ(sessions.revoke(store, other, "all"), 1U);
               }},
        Ending{"Disabled", [](auto& store, auto&, auto& accounts,
                              auto&) { EXPECT_TRUE(accounts.disable(store, name("alice"))); }},
        Ending{"DisabledAndEnabled",
               [](auto& store, auto&, auto& accounts, auto&) {
                   EXPECT_TRUE(accounts.disable(store, name("alice")));
                   EXPECT_TRUE(accounts.enable(store, name("alice")));
               }},
        Ending{"NotActive",
               [](auto& store, auto&, auto&, auto&) {
                   store.set_state(*store.find_account(name("alice")), AccountState::disabled);
               }},
        Ending{"Removed", [](auto& store, auto&, auto& accounts,
                             auto&) { EXPECT_TRUE(accounts.remove(store, name("alice"))); }},
        Ending{"ANewPassword",
               [](auto& store, auto&, auto& accounts, auto&) {
                   EXPECT_TRUE(accounts.set_password(store, name("alice"), Secret::copy_of("$new$")));
               }},
        Ending{"ANewKey",
               [](auto& store, auto&, auto& accounts, auto&) {
                   EXPECT_TRUE(accounts.reset_totp(store, name("alice"), Secret::copy_of("new"), {}));
               }},
        Ending{"TakenBack",
               [](auto& store, auto&, auto&, auto& own) { store.set_session_token(own, std::nullopt); }},
        Ending{"AnotherToken", [](auto& store, auto& sessions, auto&,
                                  auto& own) { EXPECT_TRUE(sessions.give_token(store, own, TokenHash{})); }}),
    [](const auto& row) { return row.param.name; });

TEST_F(SessionsTest, ATokenEndsByEitherLimit)
{
    const auto token = give_token(own_);
    const struct {
        std::string name;
        SessionPolicy policy;
        std::chrono::seconds later;
        bool valid;
    } rows[]{{"before the idle limit", {.idle = 30min, .absolute = 12h}, 30min - 1s, true},
             {"at the idle limit", {.idle = 30min, .absolute = 12h}, 30min, false},
             {"before its end", {.idle = 24h, .absolute = 12h}, 12h - 1s, true},
             {"at its end", {.idle = 24h, .absolute = 12h}, 12h, false},
             {"by a clock set back a little", {.idle = 30min, .absolute = 12h}, -29min, true},
             {"by a clock set back too far", {.idle = 30min, .absolute = 12h}, -31min, false}};
    for (const auto& row : rows) {
        clock_.set(kNoon + row.later);
        EXPECT_EQ(check(token, row.policy).holder.has_value(), row.valid) << row.name;
    }
}

TEST_F(SessionsTest, AUseIsToBeWrittenDownWhenTheLastIsAMinuteOld)
{
    const auto token = give_token(own_);
    const struct {
        std::chrono::seconds later;
        bool touch, soon;
    } rows[]{{0s, false, false},
             {59s, false, false},
             {60s, true, false},
             {15min - 1s, true, false},
             {15min, true, true}};
    for (const auto& row : rows) {
        clock_.set(kNoon + row.later);
        const auto verdict = check(token);
        EXPECT_EQ(verdict.touch, row.touch) << row.later.count();
        EXPECT_EQ(verdict.touch_soon, row.soon) << row.later.count();
    }
}

TEST_F(SessionsTest, WhatIsNoTokenIsNotLookedUp)
{
    store_.fail_reads(true);
    for (const auto* const text : {"", "slt_", "alice", "slt_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa="}) {
        const auto verdict = check(text);
        EXPECT_TRUE(verdict.malformed) << text;
        EXPECT_FALSE(verdict.holder);
    }
    EXPECT_THROW((void)check("slt_" + std::string(43, 'a')), StoreError)
        << "what cannot be looked up is no yes";
    store_.fail_reads(false);
    EXPECT_FALSE(check("slt_" + std::string(43, 'a')).holder) << "nobody's";
}

}  // namespace
}  // namespace securelogin::auth
