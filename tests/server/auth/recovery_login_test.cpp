// Recovery codes in the place of one-time codes: what the authenticator makes of them.
#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "server/auth/authenticator.hpp"
#include "tests/support/fake_clock.hpp"
#include "tests/support/fake_random.hpp"
#include "tests/support/memory_store.hpp"
#include "tests/support/one_time_code.hpp"

namespace securelogin::auth {
namespace {

using namespace std::chrono_literals;

/// Whether the password was right is said by the test, so that none has to be hashed.
enum class Password { right, wrong };

/// Alice and Bob, each with ten codes; and Carol, who never had any.
class RecoveryLogin : public testing::Test {
  protected:
    RecoveryLogin()
    {
        std::int64_t id = 0;
        for (const auto* name : {"alice", "bob", "carol"}) {
            const NewAccount account{.id = UserId{++id},
                                     .name = *UserName::parse(name),
                                     .phc = Secret::copy_of("$argon2id$"),
                                     .totp_secret = secret_.clone(),
                                     .totp = {},
                                     .created_at = clock_.now()};
            transact(store_, [&](Transaction& t) { EXPECT_TRUE(t.add_account(account)); });
        }
        alices_ = give_codes("alice");
        bobs_ = give_codes("bob");
    }

    std::vector<std::string> give_codes(std::string_view name)
    {
        const auto codes = generate_recovery_codes(random_);
        const auto account = account_of(name);
        transact(store_, [&](Transaction& t) {
            t.set_recovery_codes(account, authenticator_.recovery_keyer().hashes(account.id, codes));
        });
        std::vector<std::string> shown;
        for (const auto& code : codes) shown.emplace_back(code.view());
        return shown;
    }

    Account account_of(std::string_view name)
    {
        return *store_.open_reader()->find_account(*UserName::parse(name));
    }
    int left(std::string_view name)
    {
        return store_.open_reader()->count_recovery_codes(account_of(name).id);
    }

    Verdict attempt(std::string_view name, Password password, std::string_view code,
                    std::string_view address = "192.0.2.7")
    {
        auto claim = authenticator_.claim(name, Source::from_address(address));
        const auto account = store_.open_reader()->find_account(*UserName::parse(name));
        PasswordCheck check;
        if (account && password == Password::right) {
            check = {.matches = true, .user = account->id, .epoch = account->password_epoch};
        }
        Verdict verdict;
        transact(store_, [&](Transaction& t) {
            EXPECT_TRUE(authenticator_.admit(t, claim, [](const Asker&) { return true; }).granted());
        });
        transact(store_, [&](Transaction& t) { verdict = authenticator_.decide(t, claim, check, code); });
        return verdict;
    }
    Verdict log_in(std::string_view code) { return attempt("alice", Password::right, code); }
    [[nodiscard]] std::string totp() const { return support::code_at(secret_, clock_.now()); }

    support::FakeClock clock_;
    support::FakeRandom random_;
    const Secret secret_ = Secret::copy_of("12345678901234567890");
    MasterKey master_{Secret::copy_of("0123456789abcdef0123456789abcdef")};
    support::MemoryStore store_;
    Authenticator authenticator_{Policy{}, master_, clock_, random_};
    std::vector<std::string> alices_;
    std::vector<std::string> bobs_;
};

TEST_F(RecoveryLogin, OpensASessionRaisesAnAlarmAndTellsHowManyAreLeft)
{
    const auto verdict = log_in(alices_[0]);
    ASSERT_TRUE(verdict.granted);
    EXPECT_TRUE(verdict.granted->by_recovery_code);
    EXPECT_EQ(verdict.granted->recovery_codes, 9);
    EXPECT_EQ(verdict.alarm, Alarm::recovery_code);
    EXPECT_EQ(store_.open_reader()->summary({}, clock_.now()).sessions, 1U);
    EXPECT_EQ(left("alice"), 9);
    EXPECT_EQ(left("bob"), 10);
    const auto audit = store_.audit();
    ASSERT_EQ(audit.size(), 2U);
    EXPECT_EQ(audit[0].event + ' ' + audit[0].outcome + ' ' + audit[0].reason, "login granted recovery_code");
    EXPECT_EQ(audit[1].event + ' ' + audit[1].outcome + ' ' + audit[1].reason, "alarm.recovery-code raised ");
    EXPECT_EQ(audit[1].user, account_of("alice").id);
}

TEST_F(RecoveryLogin, WorksOnceAndTheOthersStay)
{
    EXPECT_TRUE(log_in(alices_[3]).granted);
    const auto again = log_in(alices_[3]);
    EXPECT_FALSE(again.granted);
    EXPECT_EQ(again.refusal, Refusal::wrong_code);
    EXPECT_EQ(again.alarm, Alarm::wrong_code);
    EXPECT_EQ(account_of("alice").totp->failures, 1) << "counted as any wrong code";
    EXPECT_TRUE(log_in(alices_[4]).granted);
    EXPECT_EQ(left("alice"), 8);
}

TEST_F(RecoveryLogin, InAnyCaseWithOrWithoutHyphens)
{
    auto lower = alices_[0];
    for (char& c : lower) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
    auto bare = alices_[1];
    std::erase(bare, '-');
    EXPECT_TRUE(log_in(lower).granted);
    EXPECT_TRUE(log_in(bare).granted);
    EXPECT_FALSE(log_in(alices_[1]).granted) << "one spelling, one code";
}

TEST_F(RecoveryLogin, SpendsNoTimeStep)
{
    const auto code = totp();
    EXPECT_TRUE(log_in(alices_[0]).granted);
    EXPECT_EQ(account_of("alice").totp->last_step, 0);
    const auto verdict = log_in(code);
    ASSERT_TRUE(verdict.granted);
    EXPECT_FALSE(verdict.granted->by_recovery_code);
    EXPECT_FALSE(verdict.alarm);
    EXPECT_EQ(left("alice"), 9);
}

struct RefusedCase {
    std::string name;
    Refusal refusal;
    std::string user = "alice";
    Password password = Password::right;
    std::string code = {};     // empty: Alice's first
    int failures_before = 0;   // wrong codes
    int failures_counted = 0;  // by this one
};

void PrintTo(const RefusedCase& row, std::ostream* out) { *out << row.name; }

class RecoveryRefused : public RecoveryLogin, public testing::WithParamInterface<RefusedCase> {};

TEST_P(RecoveryRefused, AndSpendsNothing)
{
    const auto& row = GetParam();
    transact(store_, [&](Transaction& t) {
        t.set_state(*t.find_account(*UserName::parse("bob")), AccountState::disabled);
        for (int i = 0; i < row.failures_before; ++i) t.count_code_failure(UserId{1});
    });
    const auto code = row.code.empty() ? alices_[0] : row.code == "bob's" ? bobs_[0] : row.code;
    const auto verdict = attempt(row.user, row.password, code);
    EXPECT_FALSE(verdict.granted);
    EXPECT_EQ(verdict.refusal, row.refusal);
    EXPECT_EQ(store_.open_reader()->summary({}, clock_.now()).sessions, 0U);
    EXPECT_EQ(left("alice"), 10);
    EXPECT_EQ(left("bob"), 10);
    EXPECT_EQ(account_of("alice").totp->failures, row.failures_before + row.failures_counted);
    EXPECT_EQ(store_.audit()[0].reason, to_string(row.refusal));
}

INSTANTIATE_TEST_SUITE_P(
    RecoveryCodes, RecoveryRefused,
    testing::Values(
        RefusedCase{"WrongPassword", Refusal::wrong_password, "alice", Password::wrong},
        RefusedCase{"UnknownUser", Refusal::unknown_user, "mallory"},
        RefusedCase{"Disabled", Refusal::disabled, "bob", Password::right, "bob's"},
        RefusedCase{"Locked", Refusal::code_locked, "alice", Password::right, "", 103},
        RefusedCase{"AnothersCode", Refusal::wrong_code, "alice", Password::right, "bob's", 0, 1},
        RefusedCase{"NeverMade", Refusal::wrong_code, "alice", Password::right, "ABCD-EFGH-JKLM-2345", 0, 1},
        RefusedCase{"OfOneWhoHasNone", Refusal::wrong_code, "carol", Password::right, "ABCD-EFGH-JKLM-2345"},
        RefusedCase{"TooShort", Refusal::wrong_code, "alice", Password::right, "ABCD-EFGH", 0, 1},
        RefusedCase{"LastOneBorne", Refusal::wrong_code, "alice", Password::right, "ABCD-EFGH-JKLM-2345", 102,
                    1}),
    [](const auto& row) { return row.param.name; });

TEST_F(RecoveryLogin, AMistypedOneIsAWrongCodeInEveryBudget)
{
    for (int tries = 0; tries < 5; ++tries) {
        EXPECT_EQ(log_in("ABCD-EFGH-JKLM-2345").refusal, Refusal::wrong_code);
    }
    EXPECT_EQ(account_of("alice").totp->failures, 5);
    auto claim = authenticator_.claim("alice", Source::from_address("192.0.2.7"));
    transact(store_, [&](Transaction& t) {
        EXPECT_EQ(authenticator_.admit(t, claim, [](const Asker&) { return true; }).wait, 1s);
    });
}

TEST_F(RecoveryLogin, TellsHowManyAreLeftWhereFewAre)
{
    for (std::size_t used = 0; used < 7; ++used) EXPECT_TRUE(log_in(alices_[used]).granted);
    for (int login = 0; login < 2; ++login) {
        clock_.advance(30s);
        EXPECT_EQ(log_in(totp()).granted->recovery_codes, 3);
    }
    for (std::size_t used = 7; used < 10; ++used) {
        EXPECT_EQ(log_in(alices_[used]).granted->recovery_codes, 9 - static_cast<int>(used));
    }
    clock_.advance(30s);
    EXPECT_EQ(log_in(totp()).granted->recovery_codes, 0);
    EXPECT_EQ(attempt("bob", Password::right, totp()).granted->recovery_codes, std::nullopt) << "he has ten";
    EXPECT_EQ(attempt("carol", Password::right, totp()).granted->recovery_codes, std::nullopt)
        << "she never had any";
}

TEST_F(RecoveryLogin, ConfirmsToo)
{
    const auto session = log_in(totp()).granted->session;
    auto claim = authenticator_.claim("alice", Source::from_address("192.0.2.7"));
    const PasswordCheck check{.matches = true, .user = account_of("alice").id};
    std::vector<Verdict> verdicts(2);
    for (auto& verdict : verdicts) {
        transact(store_, [&](Transaction& t) {
            (void)authenticator_.admit(t, claim, [](const Asker&) { return true; });
            verdict = authenticator_.confirm(t, claim, check, alices_[0], session);
        });
    }
    ASSERT_TRUE(verdicts[0].granted);
    EXPECT_EQ(verdicts[0].alarm, Alarm::recovery_code);
    EXPECT_EQ(verdicts[1].refusal, Refusal::wrong_code);
    EXPECT_EQ(left("alice"), 9);
}

TEST_F(RecoveryLogin, NewOnesTakeThePlaceOfTheOld)
{
    const auto session = log_in(totp()).granted->session;
    std::optional<std::vector<Secret>> made;
    transact(store_, [&](Transaction& t) {
        made = authenticator_.replace_recovery_codes(t, *UserName::parse("alice"), session);
    });
    ASSERT_TRUE(made);
    ASSERT_EQ(made->size(), 10U);
    EXPECT_EQ(store_.audit().back().event, "recovery-codes.replace");
    EXPECT_EQ(store_.audit().back().outcome, "done");
    EXPECT_EQ(log_in(alices_[0]).refusal, Refusal::wrong_code);
    EXPECT_TRUE(log_in((*made)[9].view()).granted);
}

struct EndedCase {
    std::string name;
    void (*end)(Transaction&, const Account&);
};

class NoNewCodes : public RecoveryLogin, public testing::WithParamInterface<EndedCase> {};

TEST_P(NoNewCodes, ForWhomTheSessionHasEnded)
{
    const auto session = log_in(totp()).granted->session;
    const auto alice = account_of("alice");
    transact(store_, [&](Transaction& t) { GetParam().end(t, alice); });
    const auto before = store_.audit().size();
    bool made = true;
    transact(store_, [&](Transaction& t) {
        made = authenticator_.replace_recovery_codes(t, alice.name, session).has_value();
    });
    EXPECT_FALSE(made);
    EXPECT_EQ(store_.audit().size(), before);
}

INSTANTIATE_TEST_SUITE_P(
    RecoveryCodes, NoNewCodes,
    testing::Values(EndedCase{"Ended", [](Transaction& changing,
                                          const Account& alice) { changing.end_sessions(alice.id, ""); }},
                    EndedCase{"Disabled",
                              [](Transaction& changing, const Account& alice) {
                                  changing.set_state(alice, AccountState::disabled);
                              }},
                    EndedCase{"Removed", [](Transaction& changing,
                                            const Account& alice) { changing.remove_account(alice); }}),
    [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace securelogin::auth
