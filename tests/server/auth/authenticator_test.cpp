#include "server/auth/authenticator.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/fake_clock.hpp"
#include "tests/support/fake_random.hpp"
#include "tests/support/memory_store.hpp"
#include "tests/support/one_time_code.hpp"

namespace securelogin::auth {
namespace {

using namespace std::chrono_literals;
using support::code_at;
using support::kNoon;

constexpr auto kHome = "192.0.2.7";

/// Whether the password was right is said by the test, so that none has to be hashed.
enum class Password { right, wrong };

class AuthenticatorTest : public testing::Test {
  protected:
    Account enrol(std::string_view name)
    {
        const NewAccount account{.id = UserId{++last_id_},
                                 .name = *UserName::parse(name),
                                 .phc = Secret::copy_of("$argon2id$"),
                                 .totp_secret = secret_.clone(),
                                 .totp = {},
                                 .created_at = clock_.now()};
        transact(store_, [&](Transaction& transaction) { ASSERT_TRUE(transaction.add_account(account)); });
        return account_of(name);
    }

    Account account_of(std::string_view name)
    {
        return *store_.open_reader()->find_account(*UserName::parse(name));
    }

    [[nodiscard]] std::string current_code() const { return code_at(secret_, clock_.now()); }

    Claim claim(std::string_view name, std::string_view address = kHome)
    {
        return authenticator_.claim(name, Source::from_address(address));
    }

    std::optional<std::chrono::seconds> admit(std::string_view name, std::string_view address = kHome)
    {
        return ask(name, address).wait;
    }

    Admission ask(std::string_view name, std::string_view address = kHome)
    {
        Admission admission;
        auto& claim = claims_
                          .insert_or_assign({std::string(name), std::string(address)},
                                            authenticator_.claim(name, Source::from_address(address)))
                          .first->second;
        transact(store_, [&](Transaction& t) {
            admission = authenticator_.admit(t, claim, [&](const Asker& asker) {
                asked_ = asker;
                return has_place_;
            });
        });
        return admission;
    }

    Verdict decide(std::string_view name, Password password, std::string_view code,
                   std::string_view address = kHome)
    {
        Verdict verdict;
        // The claim that was admitted; one that was not is what a bug would make of it.
        const auto admitted = claims_.find({std::string(name), std::string(address)});
        const auto who = admitted == claims_.end() ? claim(name, address) : admitted->second;
        transact(store_, [&](Transaction& t) {
            verdict = authenticator_.decide(t, who, check(name, password), code);
        });
        return verdict;
    }

    /// The check of the password in force now.
    PasswordCheck check(std::string_view name, Password password)
    {
        const auto parsed = UserName::parse(name);
        const auto account = parsed ? store_.open_reader()->find_account(*parsed) : std::nullopt;
        if (!account || password == Password::wrong) return {};
        return {.matches = true, .user = account->id, .epoch = account->password_epoch};
    }

    /// admit and decide; the attempt must be admitted.
    Verdict attempt(std::string_view name, Password password, std::string_view code,
                    std::string_view address = kHome)
    {
        EXPECT_EQ(admit(name, address), std::nullopt);
        return decide(name, password, code, address);
    }

    Verdict log_in(std::string_view name) { return attempt(name, Password::right, current_code()); }

    support::FakeClock clock_;
    support::FakeRandom random_;
    const Secret secret_ = Secret::copy_of("12345678901234567890");
    MasterKey master_{Secret::copy_of("0123456789abcdef0123456789abcdef")};
    support::MemoryStore store_;
    Authenticator authenticator_{Policy{}, master_, clock_, random_};
    std::int64_t last_id_ = 0;
    bool has_place_ = true;                                        // whether a hash can be had
    Asker asked_;                                                  // who asked for one last
    std::map<std::pair<std::string, std::string>, Claim> claims_;  // the latest of each name and address
};

TEST_F(AuthenticatorTest, AllThreeRightOpensASession)
{
    const auto alice = enrol("alice");
    const auto verdict = log_in("alice");
    ASSERT_TRUE(verdict.granted);
    EXPECT_FALSE(verdict.refusal);
    const auto& session = verdict.granted->session;
    EXPECT_EQ(session.user, alice.id);
    EXPECT_EQ(session.id.size(), 8U);
    EXPECT_EQ(session.expires_at, clock_.now() + 12h);
    EXPECT_EQ(session.source, kHome);
    EXPECT_FALSE(verdict.granted->account.last_login);
    transact(store_, [&](Transaction& t) { EXPECT_TRUE(t.find_session(alice.id, session.id)); });
    EXPECT_EQ(account_of("alice").last_login->at, clock_.now());
    const auto audit = store_.audit();
    ASSERT_EQ(audit.size(), 1U);
    EXPECT_EQ(audit[0].event, "login");
    EXPECT_EQ(audit[0].outcome, "granted");
    EXPECT_EQ(audit[0].user, alice.id);
}

TEST_F(AuthenticatorTest, EverySpellingIsTheSameUser)
{
    enrol("alice");
    EXPECT_TRUE(log_in("ALICE").granted);
}

TEST_F(AuthenticatorTest, TheNextLoginTellsOfTheLastOneAndOfRefusals)
{
    enrol("alice");
    log_in("alice");
    const auto first = clock_.now();
    clock_.advance(30s);
    attempt("alice", Password::wrong, current_code());
    attempt("alice", Password::right, "000000", "198.51.100.1");
    const auto second = log_in("alice");
    ASSERT_TRUE(second.granted);
    EXPECT_EQ(second.granted->account.last_login->at, first);
    EXPECT_EQ(second.granted->failures_since, 2);
    clock_.advance(30s);
    EXPECT_EQ(log_in("alice").granted->failures_since, 0);
}

struct RefusalCase {
    std::string name;
    Refusal refusal;
    std::string user = "alice";
    Password password = Password::right;
    std::string code = {};  // empty: the right one
    int code_failures = 0;  // on the account afterwards
};

void PrintTo(const RefusalCase& row, std::ostream* out) { *out << row.name; }

class Refusals : public AuthenticatorTest, public testing::WithParamInterface<RefusalCase> {};

TEST_P(Refusals, AreRefusedWrittenDownAndLeaveNoSession)
{
    const auto& row = GetParam();
    const auto alice = enrol("alice");
    const auto bob = enrol("bob");
    transact(store_, [&](Transaction& t) { t.set_state(bob, AccountState::disabled); });

    const auto verdict = attempt(row.user, row.password, row.code.empty() ? current_code() : row.code);

    EXPECT_FALSE(verdict.granted);
    EXPECT_EQ(verdict.refusal, row.refusal);
    EXPECT_EQ(account_of("alice").totp->failures, row.code_failures);
    EXPECT_EQ(store_.open_reader()->summary({}, clock_.now()).sessions, 0U);
    const auto audit = store_.audit();
    ASSERT_EQ(audit.size(), verdict.alarm ? 2U : 1U);
    EXPECT_EQ(audit[0].outcome, "refused");
    EXPECT_EQ(audit[0].reason, to_string(row.refusal));
    EXPECT_EQ(audit[0].user.has_value(), row.refusal != Refusal::unknown_user);
    EXPECT_NE(audit[0].user.has_value(), audit[0].name.has_value());
    // A refused code was not spent: unless it was the code itself that was wrong, it still is good.
    if (row.user == "alice") {
        EXPECT_TRUE(attempt("alice", Password::right, current_code()).granted);
    }
}

INSTANTIATE_TEST_SUITE_P(
    Authenticator, Refusals,
    testing::Values(
        RefusalCase{"UnknownUser", Refusal::unknown_user, "mallory", Password::wrong},
        RefusalCase{"UnknownUserSaidToBeRight", Refusal::unknown_user, "mallory", Password::right},
        RefusalCase{"NobodysName", Refusal::unknown_user, "no name at all", Password::right},
        RefusalCase{"EmptyName", Refusal::unknown_user, "", Password::right},
        RefusalCase{"Disabled", Refusal::disabled, "bob"},
        RefusalCase{"DisabledWithWrongPassword", Refusal::wrong_password, "bob", Password::wrong},
        RefusalCase{"WrongPassword", Refusal::wrong_password, "alice", Password::wrong},
        RefusalCase{"WrongPasswordAndCode", Refusal::wrong_password, "alice", Password::wrong, "000000"},
        RefusalCase{"WrongCode", Refusal::wrong_code, "alice", Password::right, "000000", 1},
        RefusalCase{"EmptyishCode", Refusal::wrong_code, "alice", Password::right, " ", 1},
        RefusalCase{"TooShort", Refusal::wrong_code, "alice", Password::right, "12345", 1},
        RefusalCase{"TooLong", Refusal::wrong_code, "alice", Password::right, "1234567890", 1},
        RefusalCase{"Letters", Refusal::wrong_code, "alice", Password::right, "abcdef", 1}),
    [](const auto& row) { return row.param.name; });

struct AlarmCase {
    std::string name;
    Password password;
    int code_failures;  // before
    std::string code;   // empty: the right one
    bool spent;         // the right one has been used
    std::string alarm;  // empty: none
};

void PrintTo(const AlarmCase& row, std::ostream* out) { *out << row.name; }

class Alarms : public AuthenticatorTest, public testing::WithParamInterface<AlarmCase> {};

TEST_P(Alarms, AreRaisedInTheTransactionOfWhatRaisesThem)
{
    const auto& row = GetParam();
    const auto alice = enrol("alice");
    transact(store_, [&](Transaction& t) {
        for (int failure = 0; failure < row.code_failures; ++failure) t.count_code_failure(alice.id);
    });
    if (row.spent) log_in("alice");
    const auto before = store_.audit().size();

    const auto verdict =
        attempt("alice", row.password, row.code.empty() ? current_code() : row.code, "198.51.100.1");

    const auto audit = store_.audit();
    EXPECT_EQ(verdict.alarm ? to_string(*verdict.alarm) : "", row.alarm);
    ASSERT_EQ(audit.size(), before + (row.alarm.empty() ? 1 : 2));
    EXPECT_EQ(audit[before].event, "login");
    if (row.alarm.empty()) return;
    EXPECT_EQ(audit.back().event, row.alarm);
    EXPECT_EQ(audit.back().outcome, "raised");
    EXPECT_EQ(audit.back().user, alice.id);
    EXPECT_EQ(audit.back().source, "198.51.100.1");
    EXPECT_EQ(audit.back().at, clock_.now());
}

INSTANTIATE_TEST_SUITE_P(
    Authenticator, Alarms,
    testing::Values(AlarmCase{"Granted", Password::right, 0, "", false, ""},
                    AlarmCase{"WrongPassword", Password::wrong, 0, "", false, ""},
                    AlarmCase{"WrongPasswordAndCode", Password::wrong, 0, "000000", false, ""},
                    AlarmCase{"WrongPasswordOfALockedOne", Password::wrong, 103, "", false, ""},
                    AlarmCase{"WrongPasswordReplayedCode", Password::wrong, 0, "", true, ""},
                    AlarmCase{"WrongCode", Password::right, 0, "000000", false, "alarm.wrong-code"},
                    AlarmCase{"TheLastButOne", Password::right, 101, "000000", false, "alarm.wrong-code"},
                    AlarmCase{"TheLastOneBorne", Password::right, 102, "000000", false, "alarm.code-locked"},
                    AlarmCase{"Locked", Password::right, 103, "", false, "alarm.code-locked"},
                    AlarmCase{"Replayed", Password::right, 0, "", true, "alarm.replayed-code"}),
    [](const auto& row) { return row.param.name; });

TEST_F(AuthenticatorTest, RightCodeInOtherClothesIsRefused)
{
    enrol("alice");
    const auto code = current_code();
    for (const auto& dressed :
         {code + " ", " " + code, code + "\t", "+" + code, code + std::string(1, '\0')}) {
        EXPECT_EQ(decide("alice", Password::right, dressed).refusal, Refusal::wrong_code) << dressed;
    }
}

TEST_F(AuthenticatorTest, ACodeWorksOnce)
{
    enrol("alice");
    const auto code = current_code();
    EXPECT_TRUE(attempt("alice", Password::right, code).granted);
    const auto again = attempt("alice", Password::right, code);
    EXPECT_EQ(again.refusal, Refusal::replayed_code);
    EXPECT_EQ(account_of("alice").totp->failures, 0) << "a replay is no guess";
}

TEST_F(AuthenticatorTest, AfterACodeOlderOnesAreDead)
{
    enrol("alice");
    const auto older = current_code();
    clock_.advance(30s);
    EXPECT_TRUE(log_in("alice").granted);
    EXPECT_EQ(attempt("alice", Password::right, older).refusal, Refusal::replayed_code);
}

TEST_F(AuthenticatorTest, AClockSetBackBringsNoCodeBack)
{
    enrol("alice");
    const auto code = current_code();
    EXPECT_TRUE(attempt("alice", Password::right, code).granted);
    clock_.advance(-1h);
    clock_.advance(1h);
    EXPECT_EQ(attempt("alice", Password::right, code).refusal, Refusal::replayed_code);
    clock_.advance(-1h);
    EXPECT_EQ(attempt("alice", Password::right, current_code()).refusal, Refusal::replayed_code);
}

TEST_F(AuthenticatorTest, ACheckOfAnAccountThatIsAnotherNowDoesNotCount)
{
    const auto before = enrol("alice");
    const PasswordCheck stale{.matches = true, .user = before.id, .epoch = before.password_epoch};
    transact(store_, [&](Transaction& t) { t.remove_account(before); });
    const auto after = enrol("alice");
    ASSERT_EQ(after.password_epoch, before.password_epoch);
    Verdict verdict;
    transact(store_, [&](Transaction& t) {
        verdict = authenticator_.decide(t, claim("alice"), stale, current_code());
    });
    EXPECT_EQ(verdict.refusal, Refusal::wrong_password);
}

TEST_F(AuthenticatorTest, ACheckOfAnOldPasswordDoesNotCount)
{
    const auto alice = enrol("alice");
    const PasswordCheck stale{.matches = true, .user = alice.id, .epoch = alice.password_epoch};
    transact(store_, [&](Transaction& t) { t.set_password(alice, Secret::copy_of("$new$"), clock_.now()); });
    Verdict verdict;
    transact(store_, [&](Transaction& t) {
        verdict = authenticator_.decide(t, claim("alice"), stale, current_code());
    });
    EXPECT_EQ(verdict.refusal, Refusal::wrong_password);
}

// The wait after a refusal must not tell which factor was wrong: every history of refusals brings the same
// waits.
TEST_F(AuthenticatorTest, WaitsTellNothingOfTheFactorOrTheUser)
{
    enrol("alice");
    constexpr int kRefusals = 7;
    std::vector<std::vector<std::int64_t>> histories;
    for (unsigned factors = 0; factors <= (1U << kRefusals); ++factors) {
        const bool unknown = factors == 1U << kRefusals;
        const std::string name = unknown ? "mallory" : "alice";
        const std::string address = "198.51.100." + std::to_string(factors);
        std::vector<std::int64_t> waits;
        for (unsigned refusal = 0; refusal < kRefusals; ++refusal) {
            EXPECT_EQ(admit(name, address), std::nullopt);
            // A person takes some time over the code: the wait counts from the refusal.
            clock_.advance(2s);
            decide(name, (factors >> refusal & 1U) != 0 ? Password::right : Password::wrong, "000000",
                   address);
            const auto wait = admit(name, address);
            waits.push_back(wait ? wait->count() : 0);
            if (!wait) {  // that was a charge of its own: settle it as the refusal that it would have become
                clock_.advance(2s);
                decide(name, Password::wrong, "000000", address);
            }
            clock_.advance(1h);
        }
        histories.push_back(waits);
    }
    for (const auto& history : histories) EXPECT_EQ(history, histories.front());
    EXPECT_GT(histories.front().back(), 0);
}

TEST_F(AuthenticatorTest, FourFailuresAreFreeTheFifthBringsAWaitThatDoubles)
{
    enrol("alice");
    for (int failure = 1; failure <= 5; ++failure) attempt("alice", Password::wrong, "000000");
    EXPECT_EQ(admit("alice"), 1s);
    clock_.advance(1s);
    attempt("alice", Password::wrong, "000000");
    EXPECT_EQ(admit("alice"), 2s);
    clock_.advance(2s);
    attempt("alice", Password::wrong, "000000");
    EXPECT_EQ(admit("ALICE"), 4s) << "one counter for every spelling";
}

TEST_F(AuthenticatorTest, AThrottledAttemptChangesNothing)
{
    enrol("alice");
    for (int failure = 1; failure <= 5; ++failure) attempt("alice", Password::wrong, "000000");
    for (int tries = 0; tries < 10; ++tries) EXPECT_EQ(admit("alice"), 1s);
    clock_.advance(1s);
    EXPECT_TRUE(log_in("alice").granted);
}

TEST_F(AuthenticatorTest, AClockSetBackLeavesNobodyWaitingForEver)
{
    enrol("alice");
    clock_.advance(-24h - 30s);
    ASSERT_TRUE(log_in("alice").granted);
    clock_.advance(24h + 30s);
    for (int failure = 1; failure <= 5; ++failure) attempt("alice", Password::wrong, "000000");
    clock_.advance(-24h);
    const auto longest = WaitPolicy{}.longest_wait;
    EXPECT_EQ(admit("alice"), longest);
    clock_.advance(longest - 1s);
    EXPECT_EQ(admit("alice"), 1s);
    clock_.advance(1s);
    EXPECT_TRUE(log_in("alice").granted);
}

TEST_F(AuthenticatorTest, OtherSourcesAreNotMadeToWait)
{
    enrol("alice");
    for (int failure = 1; failure <= 5; ++failure)
        attempt("alice", Password::wrong, "000000", "198.51.100.1");
    EXPECT_TRUE(admit("alice", "198.51.100.1"));
    EXPECT_TRUE(log_in("alice").granted);
}

TEST_F(AuthenticatorTest, AnIPv6NetworkIsOneSource)
{
    enrol("alice");
    for (int failure = 1; failure <= 5; ++failure) {
        attempt("alice", Password::wrong, "000000", "2001:db8::" + std::to_string(failure));
    }
    EXPECT_TRUE(admit("alice", "2001:db8::ffff"));
    EXPECT_FALSE(admit("alice", "2001:db8:0:1::1"));
}

TEST_F(AuthenticatorTest, SuccessClearsTheWaitsButNotTheLifetimeCount)
{
    enrol("alice");
    for (int failure = 1; failure <= 4; ++failure) attempt("alice", Password::right, "000000");
    EXPECT_TRUE(log_in("alice").granted);
    for (int failure = 1; failure <= 4; ++failure) attempt("alice", Password::wrong, "000000");
    EXPECT_EQ(account_of("alice").totp->failures, 4);
    EXPECT_EQ(admit("alice"), std::nullopt);
}

TEST_F(AuthenticatorTest, AnAttemptThatWasLeftStaysCharged)
{
    enrol("alice");
    for (int left = 1; left <= 5; ++left) EXPECT_EQ(admit("alice"), std::nullopt);
    EXPECT_EQ(admit("alice"), 1s);
}

TEST_F(AuthenticatorTest, AnAttemptThatWasLeftIsARefusal)
{
    const auto leave = [&](std::string_view name) {
        auto who = claim(name);
        Verdict verdict;
        transact(store_, [&](Transaction& t) {
            ASSERT_TRUE(authenticator_.admit(t, who, [](const Asker&) { return true; }).granted());
            verdict = authenticator_.abandon(t, who, "login");
        });
        EXPECT_FALSE(verdict.granted);
        EXPECT_EQ(verdict.refusal, Refusal::abandoned);
        return verdict.known_user;
    };
    enrol("alice");
    EXPECT_EQ(leave("alice"), UserName::parse("alice"));
    EXPECT_EQ(store_.audit().back().outcome, "refused");
    EXPECT_EQ(store_.audit().back().reason, "abandoned");
    EXPECT_EQ(store_.audit().back().user, account_of("alice").id);
    EXPECT_EQ(leave("nobody"), std::nullopt);
    EXPECT_EQ(store_.audit().back().reason, "abandoned");
    EXPECT_EQ(log_in("alice").granted->failures_since, 1);
}

TEST_F(AuthenticatorTest, AtItsLifetimeLimitTheCodeIsDead)
{
    enrol("alice");
    const int limit = lifetime_limit(6, 1);
    EXPECT_EQ(limit, 103);
    for (int guess = 0; guess < limit; ++guess) {
        EXPECT_EQ(decide("alice", Password::right, "000000", "198.51.100." + std::to_string(guess)).refusal,
                  Refusal::wrong_code);
    }
    EXPECT_EQ(decide("alice", Password::right, current_code()).refusal, Refusal::code_locked);
    transact(store_, [&](Transaction& t) { t.set_totp(account_of("alice"), secret_, {}, clock_.now()); });
    EXPECT_TRUE(decide("alice", Password::right, current_code()).granted) << "a new enrolment starts anew";
}

TEST_F(AuthenticatorTest, TheHolderIsToldWhenHalfOfTheCodesAreUsedUp)
{
    enrol("alice");
    auto guess = [&, source = 0](int times) mutable {
        for (int i = 0; i < times; ++i) {
            decide("alice", Password::right, "000000", "198.51.100." + std::to_string(++source));
        }
    };
    guess(51);  // of 103
    EXPECT_FALSE(log_in("alice").granted->worn_key);
    guess(1);
    clock_.advance(30s);
    const auto told = log_in("alice").granted->worn_key;
    ASSERT_TRUE(told);
    EXPECT_EQ(told->failures, 52);
    EXPECT_EQ(told->limit, 103);
    clock_.advance(30s);
    EXPECT_TRUE(log_in("alice").granted->worn_key) << "a success gives nothing back";
    transact(store_, [&](Transaction& t) { t.set_totp(account_of("alice"), secret_, {}, clock_.now()); });
    clock_.advance(30s);
    EXPECT_FALSE(log_in("alice").granted->worn_key) << "a new key does";
}

TEST_F(AuthenticatorTest, ConfirmJudgesAlikeAndOpensNoSession)
{
    enrol("alice");
    const auto session = log_in("alice").granted->session;
    attempt("alice", Password::wrong, "000000", "198.51.100.1");
    const auto confirm = [&](std::string_view code) {
        Verdict verdict;
        transact(store_, [&](Transaction& t) {
            verdict =
                authenticator_.confirm(t, claim("alice"), check("alice", Password::right), code, session);
        });
        return verdict;
    };
    EXPECT_EQ(confirm(current_code()).refusal, Refusal::replayed_code);
    clock_.advance(30s);
    const auto verdict = confirm(current_code());
    ASSERT_TRUE(verdict.granted);
    EXPECT_EQ(verdict.granted->session.id, session.id);
    EXPECT_EQ(store_.open_reader()->summary({}, clock_.now()).sessions, 1U);
    EXPECT_EQ(store_.audit().back().event, "confirm");
    clock_.advance(30s);
    EXPECT_EQ(log_in("alice").granted->failures_since, 2) << "the holder reads of refusals at the next login";
}

TEST_F(AuthenticatorTest, ASessionEndsByEitherLimit)
{
    enrol("alice");
    const auto session = log_in("alice").granted->session;
    const auto live = [&] {
        bool is = false;
        transact(store_, [&](Transaction& t) { is = authenticator_.still_live(t, session); });
        return is;
    };
    for (auto used = 0min; used < 12h; used += 29min) {
        EXPECT_TRUE(live());
        clock_.advance(29min);
    }
    EXPECT_FALSE(live()) << "12 hours in all";
    clock_.set(session.opened_at);
    clock_.advance(31min);
    const auto other = log_in("alice").granted->session;
    clock_.advance(30min);
    transact(store_,
             [&](Transaction& t) { EXPECT_FALSE(authenticator_.still_live(t, other)) << "30 minutes idle"; });
}

TEST_F(AuthenticatorTest, LogoutEndsTheSession)
{
    enrol("alice");
    const auto session = log_in("alice").granted->session;
    transact(store_, [&](Transaction& t) { authenticator_.log_out(t, session); });
    transact(store_, [&](Transaction& t) { EXPECT_FALSE(authenticator_.still_live(t, session)); });
    EXPECT_EQ(store_.audit().back().event, "logout");
}

TEST_F(AuthenticatorTest, ANewPasswordEndsTheOtherSessions)
{
    const auto alice = enrol("alice");
    const auto first = log_in("alice").granted->session;
    clock_.advance(30s);
    const auto second = log_in("alice").granted->session;
    const auto change = [&](const Session& by) {
        bool changed = false;
        transact(store_, [&](Transaction& t) {
            changed = authenticator_.change_password(t, alice.name, by, Secret::copy_of("$new$"));
        });
        return changed;
    };
    std::optional<Secret> token;
    transact(store_, [&](Transaction& t) { token = authenticator_.issue_token(t, second); });
    const auto token_leads_on = [&] {
        return store_.open_token_reader()->find_token(TokenHasher()(token->view())).has_value();
    };
    EXPECT_TRUE(token_leads_on());
    EXPECT_TRUE(change(second));
    EXPECT_FALSE(token_leads_on()) << "the session stays, its token does not";
    EXPECT_GT(account_of("alice").password_epoch, alice.password_epoch);
    transact(store_, [&](Transaction& t) {
        EXPECT_FALSE(authenticator_.still_live(t, first));
        EXPECT_TRUE(authenticator_.still_live(t, second));
    });
    EXPECT_FALSE(change(first)) << "by a session that has ended";
    transact(store_, [&](Transaction& t) { t.set_state(alice, AccountState::disabled); });
    EXPECT_FALSE(change(second)) << "of an account that is disabled";
}

TEST_F(AuthenticatorTest, ARenewedHashIsDroppedWhenThePasswordHasChanged)
{
    const auto alice = enrol("alice");
    transact(store_, [&](Transaction& t) { t.set_password(alice, Secret::copy_of("$new$"), clock_.now()); });
    transact(store_, [&](Transaction& t) {
        authenticator_.renew_hash(t, alice, alice.password_epoch, Secret::copy_of("$renewed old$"));
    });
    EXPECT_EQ(store_.open_reader()->find_password(alice.name)->phc.view(), "$new$");
    EXPECT_TRUE(store_.audit().empty());
}

TEST_F(AuthenticatorTest, SessionIdsThatClashAreDrawnAgain)
{
    enrol("alice");
    random_.draw_next({1, 1, 1, 1, 1, 1, 1, 1});
    const auto first = log_in("alice").granted->session;
    clock_.advance(30s);
    random_.draw_next({1, 1, 1, 1, 1, 1, 1, 1});
    const auto second = log_in("alice").granted->session;
    EXPECT_NE(first.id, second.id);
    EXPECT_EQ(store_.open_reader()->summary({}, clock_.now()).sessions, 2U);
}

// Strangers

constexpr auto kOffice = "198.51.100.1";

/// Wrong passwords from as many addresses as it takes to meet with no wait of an address.
int wrong_passwords_until_refused(const std::function<bool(const std::string&)>& try_from, int most)
{
    for (int tries = 0; tries < most; ++tries) {
        const auto address = "203.0.113." + std::to_string(tries % 250);
        if (!try_from(address)) return tries;
    }
    return most;
}

TEST_F(AuthenticatorTest, StrangersTogetherHaveOneBudgetForAName)
{
    for (const std::string_view name : {"alice", "nobody"}) {
        if (name == "alice") enrol(name);
        const auto evaluated = wrong_passwords_until_refused(
            [&](const std::string& address) {
                if (admit(name, address)) return false;
                decide(name, Password::wrong, "000000", address);
                return true;
            },
            1000);
        EXPECT_EQ(evaluated, 100) << name;
        EXPECT_TRUE(admit(name, kOffice)) << "and none is left for anybody";
        clock_.advance(864s);
        EXPECT_EQ(admit(name, kOffice), std::nullopt) << "until one has been refilled";
    }
}

TEST_F(AuthenticatorTest, TheLastGuessThatStrangersHaveIsAnAlarm)
{
    for (const std::string_view name : {"alice", "nobody"}) {
        if (name == "alice") enrol(name);
        for (int guess = 1; guess <= 100; ++guess) {
            const auto address = "203.0.113." + std::to_string(guess);
            const auto admission = ask(name, address);
            ASSERT_TRUE(admission.granted()) << guess;
            EXPECT_EQ(admission.alarm, guess == 100 ? std::optional(Alarm::ceiling_reached) : std::nullopt)
                << guess;
        }
        EXPECT_EQ(ask(name, kOffice).alarm, std::nullopt) << "told once";
        const auto last = store_.audit().back();
        EXPECT_EQ(last.event, "alarm.ceiling-reached");
        EXPECT_EQ(last.outcome, "raised");
        EXPECT_EQ(last.source, "203.0.113.100");
        EXPECT_EQ(last.user.has_value(), name == "alice");
        EXPECT_EQ(last.name.has_value(), name != "alice");
    }
}

TEST_F(AuthenticatorTest, AnIPv6NetworkHasOneTurnInTheQueue)
{
    enrol("alice");
    ask("alice", "2001:db8:0:1::1");
    EXPECT_EQ(asked_.source, "2001:db8::/48") << "whoever has it has 65,536 sources";
}

TEST_F(AuthenticatorTest, StrangersCannotLockOutWhoComesFromAKnownPlace)
{
    enrol("alice");
    EXPECT_EQ(ask("alice").granted(), true);
    EXPECT_EQ(asked_.standing, Standing::stranger) << "the first time";
    EXPECT_TRUE(decide("alice", Password::right, current_code()).granted);
    wrong_passwords_until_refused(
        [&](const std::string& address) {
            if (admit("alice", address)) return false;
            decide("alice", Password::wrong, "000000", address);
            return true;
        },
        1000);
    ASSERT_TRUE(admit("alice", kOffice));
    clock_.advance(30s);
    EXPECT_TRUE(log_in("alice").granted);
    EXPECT_EQ(asked_.standing, Standing::known_source);
    EXPECT_EQ(asked_.source, kHome);
    clock_.advance(31 * 24h);
    EXPECT_TRUE(ask("alice").granted());
    EXPECT_EQ(asked_.standing, Standing::stranger) << "a place is forgotten after a month without a success";
}

/// A key that no one else can prove has a budget that no one else can spend, wherever the device is.
TEST_F(AuthenticatorTest, AKnownDeviceHasABudgetOfItsOwn)
{
    const DeviceFingerprint key{1, 2, 3};
    enrol("alice");
    const auto attempt_with = [&](const std::optional<DeviceFingerprint>& device, Password password,
                                  const std::string& address) {
        auto who = authenticator_.claim("alice", Source::from_address(address), device);
        std::optional<Verdict> verdict;
        transact(store_, [&](Transaction& t) {
            if (!authenticator_
                     .admit(t, who,
                            [&](const Asker& asker) {
                                asked_ = asker;
                                return true;
                            })
                     .granted()) {
                return;
            }
            verdict = authenticator_.decide(t, who, check("alice", password), current_code());
        });
        clock_.advance(30s);
        return verdict;
    };
    EXPECT_TRUE(attempt_with(key, Password::right, kHome)->granted);
    EXPECT_EQ(asked_.standing, Standing::stranger) << "the first time";
    for (int tries = 0; tries < 200; ++tries) {
        (void)attempt_with(DeviceFingerprint{9}, Password::wrong, "203.0.113." + std::to_string(tries));
    }
    ASSERT_FALSE(attempt_with({}, Password::right, kOffice)) << "strangers wait";
    ASSERT_FALSE(attempt_with(DeviceFingerprint{9}, Password::right, kOffice)) << "with any unknown key, too";
    EXPECT_TRUE(attempt_with(key, Password::right, kOffice)->granted);
    EXPECT_EQ(asked_.standing, Standing::known_device);

    int judged = 0;
    for (int tries = 0; tries < 20; ++tries) judged += attempt_with(key, Password::wrong, kHome) ? 1 : 0;
    EXPECT_LT(judged, 20) << "it is a budget all the same";
}

TEST_F(AuthenticatorTest, ARightPasswordCostsStrangersNothing)
{
    enrol("alice");
    for (int login = 0; login < 150; ++login) {
        const auto address = "203.0." + std::to_string(login) + ".1";
        EXPECT_TRUE(attempt("alice", Password::right, current_code(), address).granted) << login;
        clock_.advance(30s);
    }
    EXPECT_FALSE(attempt("alice", Password::right, "000000", kOffice).granted);
    int left = 0;
    transact(store_, [&](Transaction& t) { left = t.ceiling(claim("alice").name_key) ? 1 : 0; });
    EXPECT_EQ(left, 0) << "the ceiling is whole";
}

TEST_F(AuthenticatorTest, WithoutAPlaceNothingIsCharged)
{
    enrol("alice");
    has_place_ = false;
    for (int tries = 0; tries < 1000; ++tries) EXPECT_TRUE(ask("alice").overloaded);
    has_place_ = true;
    EXPECT_TRUE(log_in("alice").granted);
}

TEST_F(AuthenticatorTest, WhatWasNotJudgedAfterAllIsGivenBack)
{
    enrol("alice");
    for (int tries = 0; tries < 1000; ++tries) {
        auto who = claim("alice");
        transact(store_, [&](Transaction& t) {
            EXPECT_TRUE(authenticator_.admit(t, who, [](const Asker&) { return true; }).granted()) << tries;
        });
        transact(store_, [&](Transaction& t) { authenticator_.withdraw(t, who); });
    }
    transact(store_, [&](Transaction& t) {
        EXPECT_EQ(t.failures(claim("alice").name_key, Source::from_address(kHome)), Failures{});
        EXPECT_FALSE(t.ceiling(claim("alice").name_key));
    });
}

/// docs/security.md promises it: 30 days, the password known, the attacker everywhere, the user active.
TEST_F(AuthenticatorTest, AThiefOfThePasswordHas103GuessesInAll)
{
    enrol("alice");
    int guesses = 0;
    for (int hour = 0; hour < 30 * 24; hour += 4) {
        for (int source = 0; source < 5; ++source) {
            const auto address = "10.0." + std::to_string(source) + "." + std::to_string(hour % 250);
            if (admit("alice", address)) continue;
            const auto verdict = decide("alice", Password::right, "not it", address);
            if (verdict.refusal == Refusal::wrong_code) ++guesses;
        }
        if (hour % 8 == 0) (void)attempt("alice", Password::right, current_code());
        clock_.advance(4h);
    }
    EXPECT_EQ(guesses, 103);
}

TEST_F(AuthenticatorTest, WhatCannotBeSavedIsNoYes)
{
    enrol("alice");
    ASSERT_EQ(admit("alice"), std::nullopt);
    store_.fail_commits(true);
    EXPECT_THROW(decide("alice", Password::right, current_code()), StoreError);
    store_.fail_commits(false);
    EXPECT_EQ(store_.open_reader()->summary({}, clock_.now()).sessions, 0U);
    EXPECT_TRUE(decide("alice", Password::right, current_code()).granted) << "nor was the code spent";
}

TEST_F(AuthenticatorTest, CheckPasswordNeverMatchesWithoutAnAccount)
{
    enrol("alice");
    const auto password = Secret::copy_of("correct horse battery staple");
    const auto phc = hash_password(password, {});
    transact(store_, [&](Transaction& t) { t.set_password(account_of("alice"), phc, clock_.now()); });
    const auto reader = store_.open_reader();
    const auto check = [&](std::string_view name, std::string_view typed) {
        return authenticator_.check_password(*reader, claim(name), Secret::copy_of(typed));
    };
    EXPECT_TRUE(check("alice", password.view()).matches);
    EXPECT_EQ(check("alice", password.view()).epoch, account_of("alice").password_epoch);
    EXPECT_FALSE(check("alice", password.view()).outdated);
    EXPECT_FALSE(check("alice", "wrong").matches);
    EXPECT_FALSE(check("alice", "").matches);
    EXPECT_FALSE(check("alice", std::string(1000, 'a')).matches);
    EXPECT_FALSE(check("mallory", password.view()).matches);
    EXPECT_FALSE(check("no name", password.view()).matches);
}

TEST_F(AuthenticatorTest, AHashWithOtherParametersIsOutdated)
{
    enrol("alice");
    const auto password = Secret::copy_of("correct horse battery staple");
    const auto phc = hash_password(password, {.memory_kib = 19456, .passes = 3, .lanes = 1});
    transact(store_, [&](Transaction& t) { t.set_password(account_of("alice"), phc, clock_.now()); });
    const auto reader = store_.open_reader();
    EXPECT_TRUE(authenticator_.check_password(*reader, claim("alice"), password).outdated);
    EXPECT_FALSE(authenticator_.check_password(*reader, claim("alice"), Secret::copy_of("wrong")).outdated);
}

TEST_F(AuthenticatorTest, ANameWithALineBreakIsNoMessageOfOurs)
{
    const NameKeyer names(master_);
    const std::string message = "invitation\ncarol 1 2 3";
    EXPECT_NE(claim(message).name_key, names(message));
    EXPECT_FALSE(claim(message).name);
    EXPECT_EQ(claim("Alice").name_key, names("alice"));
    EXPECT_EQ(claim("al\rice").name_key, names("al\rice"));
}

}  // namespace
}  // namespace securelogin::auth
