// From an invitation to an account: what is done at once, and what leaves everything as it was.
#include "server/auth/enrolment.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "tests/support/fake_clock.hpp"
#include "tests/support/fake_random.hpp"
#include "tests/support/memory_store.hpp"
#include "tests/support/one_time_code.hpp"

namespace securelogin::auth {
namespace {

using namespace std::chrono_literals;
using support::code_at;
using support::kNoon;

UserName name(std::string_view text) { return UserName::parse(text).value(); }

class EnrolmentTest : public testing::Test {
  protected:
    /// The text that the person was given.
    std::string invite(std::string_view who, std::chrono::seconds lasts = 24h)
    {
        const auto prepared = invitations_.prepare(name(who), lasts);
        transact(store_, [&](Transaction& t) { t.save_invitation(prepared.invitation); });
        return std::string(prepared.text.view());
    }
    void add(std::string_view who)
    {
        const NewAccount made{.id = UserId{17},
                              .name = name(who),
                              .phc = Secret::copy_of("$old$"),
                              .totp_secret = Secret::copy_of("12345678901234567890"),
                              .totp = {},
                              .created_at = clock_.now()};
        transact(store_, [&](Transaction& t) { ASSERT_TRUE(t.add_account(made)); });
    }
    void change(const std::function<void(Transaction&, const Account&)>& what, std::string_view who)
    {
        transact(store_, [&](Transaction& t) { what(t, t.find_account(name(who)).value()); });
    }

    Enrolments::Begun begin(std::string_view typed, const char* address = "192.0.2.7")
    {
        Enrolments::Begun result;
        const Guest guest{.source = Source::from_address(address)};
        transact(store_, [&](Transaction& t) { result = enrolments_.begin(t, typed, guest); });
        if (result.enrolment) result.enrolment->phc = Secret::copy_of("$new$");
        return result;
    }
    /// An enrolment of which only the code is missing.
    Enrolment begun(std::string_view typed)
    {
        auto result = begin(typed);
        if (!result.enrolment) throw std::logic_error("no invitation");
        return std::move(*result.enrolment);
    }
    [[nodiscard]] std::string code_of(const Enrolment& enrolment) const
    {
        return code_at(enrolment.totp_secret, clock_.now());
    }
    std::string finish(const Enrolment& enrolment, std::string_view code)
    {
        Enrolments::Finished finished;
        const Guest guest{.source = Source::from_address("192.0.2.7"), .device = DeviceFingerprint{1}};
        transact(store_, [&](Transaction& t) { finished = enrolments_.finish(t, enrolment, code, guest); });
        recovery_codes_ = std::move(finished.recovery_codes);
        return finished.refusal ? std::string(to_string(*finished.refusal)) : "enrolled";
    }
    std::optional<Account> account(std::string_view who)
    {
        return store_.open_reader()->find_account(name(who));
    }
    bool is_invited(std::string_view who)
    {
        return store_.open_reader()->invitation_of(name(who)).has_value();
    }
    std::string password_of(std::string_view who)
    {
        return std::string(store_.open_reader()->find_password(name(who)).value().phc.view());
    }
    /// The last record, in short.
    std::string recorded()
    {
        const auto records = store_.audit();
        if (records.empty()) return "nothing";
        const auto& record = records.back();
        return record.event + ' ' + record.outcome + ' ' + record.reason + (record.user ? " user" : "") +
               (record.name ? " name" : "") + ' ' + record.source;
    }

    support::FakeClock clock_;
    support::FakeRandom random_;
    support::MemoryStore store_;
    NameKeyer names_{MasterKey(Secret::copy_of("0123456789abcdef0123456789abcdef"))};
    Invitations invitations_{names_, clock_, random_, "admin"};
    Enrolments enrolments_{Policy{}, names_, clock_, random_, "Example Ltd"};
    std::vector<Secret> recovery_codes_;  // of the last finish()
};

TEST_F(EnrolmentTest, MakesAnAccountThatIsWhole)
{
    const auto text = invite("carol");
    const auto enrolment = begun(text);
    EXPECT_FALSE(account("carol")) << "before the code nothing is active";
    clock_.advance(20s);
    EXPECT_EQ(finish(enrolment, code_of(enrolment)), "enrolled");

    const auto carol = account("carol").value();
    EXPECT_EQ(carol.state, AccountState::active);
    EXPECT_EQ(carol.created_at, kNoon + 20s);
    EXPECT_EQ(carol.totp.value().parameters, TotpParameters{});
    EXPECT_EQ(carol.totp->enrolled_at, kNoon + 20s);
    EXPECT_EQ(password_of("carol"), "$new$");
    EXPECT_FALSE(is_invited("carol"));
    EXPECT_EQ(recorded(), "enrol granted  user 192.0.2.7");
    EXPECT_EQ(store_.audit().back().device, short_form(DeviceFingerprint{1}));
}

TEST_F(EnrolmentTest, GivesRecoveryCodesThatWorkOnce)
{
    const auto enrolment = begun(invite("carol"));
    ASSERT_EQ(finish(enrolment, code_of(enrolment)), "enrolled");
    ASSERT_EQ(recovery_codes_.size(), kRecoveryCodes);
    const auto id = account("carol").value().id;
    for (const auto& hash : RecoveryCodeKeyer(names_).hashes(id, recovery_codes_)) {
        transact(store_, [&](Transaction& t) { EXPECT_TRUE(t.spend_recovery_code(id, hash)); });
        transact(store_, [&](Transaction& t) { EXPECT_FALSE(t.spend_recovery_code(id, hash)); });
    }
}

TEST_F(EnrolmentTest, GivesNoRecoveryCodesToWhoIsRefused)
{
    const auto enrolment = begun(invite("carol"));
    ASSERT_EQ(finish(enrolment, "000000"), "wrong_code");
    EXPECT_TRUE(recovery_codes_.empty());
}

TEST_F(EnrolmentTest, TheCodeThatProvesIsSpent)
{
    const auto enrolment = begun(invite("carol"));
    ASSERT_EQ(finish(enrolment, code_of(enrolment)), "enrolled");
    const auto step = kNoon.time_since_epoch() / 30s;
    EXPECT_EQ(account("carol")->totp->last_step, step);
    transact(store_, [&](Transaction& t) { EXPECT_FALSE(t.spend_step(account("carol")->id, step)); });
}

TEST_F(EnrolmentTest, GivesAnAccountNewFactorsAndEndsWhatWasOfTheOld)
{
    add("alice");
    change(
        [](Transaction& t, const Account& alice) {
            EXPECT_TRUE(t.open_session({alice.id, "0badcafe", kNoon, kNoon + 12h, kNoon, "192.0.2.7"}));
            t.remember_device(alice.id, DeviceFingerprint{1}, kNoon, "192.0.2.7");
            t.count_code_failure(alice.id);
            t.set_recovery_codes(alice, std::array{RecoveryCodeHash{1}, RecoveryCodeHash{2}});
            t.remove_totp(alice);
        },
        "alice");
    const auto before = account("alice").value();
    const auto enrolment = begun(invite("alice"));
    EXPECT_EQ(password_of("alice"), "$old$") << "before the code nothing is changed";
    EXPECT_EQ(finish(enrolment, code_of(enrolment)), "enrolled");

    const auto after = account("alice").value();
    EXPECT_EQ(after.id, before.id);
    EXPECT_EQ(after.password_epoch, before.password_epoch + 1);
    EXPECT_EQ(after.totp.value().failures, 0);
    EXPECT_EQ(password_of("alice"), "$new$");
    EXPECT_EQ(store_.open_reader()->count_sessions(after.id, {}, kNoon), 0U);
    transact(store_,
             [&](Transaction& t) { EXPECT_FALSE(t.spend_recovery_code(after.id, RecoveryCodeHash{1})); });
    EXPECT_TRUE(store_.open_reader()->devices(after.id).empty());
}

TEST_F(EnrolmentTest, TheUriIsTheAppsKey)
{
    const auto enrolment = begun(invite("carol"));
    const auto secret = to_base32(enrolment.totp_secret);
    EXPECT_EQ(enrolments_.uri(enrolment).view(), "otpauth://totp/Example%20Ltd:carol?secret=" +
                                                     std::string(secret.view()) + "&issuer=Example%20Ltd");
    EXPECT_EQ(enrolment.totp_secret.size(), 20U);
}

TEST_F(EnrolmentTest, EachTimeTheKeyIsAnother)
{
    const auto text = invite("carol");
    EXPECT_NE(begun(text).totp_secret.view(), begun(text).totp_secret.view());
}

TEST_F(EnrolmentTest, AnAbandonedOneLeavesTheInvitation)
{
    const auto text = invite("carol");
    (void)begun(text);
    EXPECT_EQ(recorded(), "nothing");
    const auto enrolment = begun(text);
    EXPECT_EQ(finish(enrolment, code_of(enrolment)), "enrolled");
}

// What comes of a right invitation costs a hash, and is no failure of anybody's.
TEST_F(EnrolmentTest, BeginsSixteenTimesAndThenOnceAMinuteFromWherever)
{
    const auto text = invite("carol");
    const auto others = invite("dave");
    for (int i = 0; i < kBegunAtOnce; ++i) EXPECT_FALSE(begin(text, i % 2 ? "192.0.2.8" : "192.0.2.7").wait);
    for (const char* address : {"192.0.2.7", "192.0.2.8", "2001:db8::1"}) {
        const auto one_more = begin(text, address);
        EXPECT_EQ(one_more.wait, kBegunApart) << address;
        EXPECT_FALSE(one_more.enrolment) << address;
    }
    EXPECT_TRUE(begin(others).enrolment) << "who has another invitation does not wait";
    clock_.advance(kBegunApart);
    const auto enrolment = begun(text);
    EXPECT_EQ(begin(text).wait, kBegunApart);
    EXPECT_EQ(finish(enrolment, code_of(enrolment)), "enrolled") << "what was begun is not held up";
}

TEST_F(EnrolmentTest, WhatIsBegunIsCountedByInvitation)
{
    const auto withdrawn = invite("carol");
    for (int i = 0; i < kBegunAtOnce; ++i) (void)begin(withdrawn);
    ASSERT_TRUE(begin(withdrawn).wait);
    const auto enrolment = begun(invite("carol"));
    EXPECT_EQ(finish(enrolment, code_of(enrolment)), "enrolled");
}

class EnrolmentBeginnings : public EnrolmentTest {};

TEST_F(EnrolmentBeginnings, WithNoInvitation)
{
    invite("carol");
    for (const auto* const typed : {"", "carol", "008J-4CT4-ANK7-F24S-NAXW-SQFE-ZW"}) {
        const auto result = begin(typed);
        EXPECT_FALSE(result.enrolment);
        EXPECT_EQ(result.refusal, EnrolmentRefusal::unknown_invitation);
        EXPECT_FALSE(result.name);
        EXPECT_EQ(recorded(), "enrol refused unknown_invitation 192.0.2.7");
    }
}

TEST_F(EnrolmentBeginnings, WithOneThatHasExpired)
{
    const auto text = invite("carol", 10s);
    clock_.advance(9s);
    EXPECT_TRUE(begin(text).enrolment);
    clock_.advance(1s);
    const auto result = begin(text);
    EXPECT_EQ(result.refusal, EnrolmentRefusal::expired_invitation);
    EXPECT_EQ(result.name, name("carol"));
    EXPECT_EQ(recorded(), "enrol refused expired_invitation name 192.0.2.7");
}

TEST_F(EnrolmentBeginnings, WithOneThatWasUsed)
{
    const auto text = invite("carol");
    const auto enrolment = begun(text);
    ASSERT_EQ(finish(enrolment, code_of(enrolment)), "enrolled");
    EXPECT_EQ(begin(text).refusal, EnrolmentRefusal::unknown_invitation);
}

TEST_F(EnrolmentBeginnings, WithOneThatWasReplaced)
{
    const auto text = invite("carol");
    invite("carol");
    EXPECT_EQ(begin(text).refusal, EnrolmentRefusal::unknown_invitation);
}

TEST_F(EnrolmentBeginnings, WithOneThatOnlyTheDatabaseKnows)
{
    const auto text = invite("carol");
    transact(store_, [&](Transaction& t) {
        auto forged = t.invitation_of(name("carol")).value();
        t.remove_invitation(name("carol"));
        forged.name = name("root");
        t.save_invitation(forged);
    });
    EXPECT_EQ(begin(text).refusal, EnrolmentRefusal::unknown_invitation);
}

TEST_F(EnrolmentBeginnings, OfADisabledUser)
{
    add("alice");
    change(
        [](Transaction& t, const Account& alice) {
            t.remove_totp(alice);
            t.set_state(alice, AccountState::disabled);
        },
        "alice");
    EXPECT_EQ(begin(invite("alice")).refusal, EnrolmentRefusal::disabled);
    EXPECT_EQ(recorded(), "enrol refused disabled user 192.0.2.7");
}

TEST_F(EnrolmentBeginnings, OfAnEnrolledUser)
{
    add("alice");
    EXPECT_EQ(begin(invite("alice")).refusal, EnrolmentRefusal::enrolled);
}

TEST_F(EnrolmentTest, FailuresMakeTheirSourceWait)
{
    const auto text = invite("carol");
    for (int failure = 1; failure <= 4; ++failure) EXPECT_FALSE(begin("wrong").wait) << failure;
    EXPECT_FALSE(begin("wrong").wait);
    const auto records = store_.audit().size();
    const auto throttled = begin(text);
    EXPECT_EQ(throttled.wait, 1s);
    EXPECT_FALSE(throttled.enrolment || throttled.refusal);
    EXPECT_EQ(store_.audit().size(), records) << "what is not judged is not recorded";
    EXPECT_TRUE(begin(text, "192.0.2.8").enrolment) << "another source";
    clock_.advance(1s);
    EXPECT_FALSE(begin("wrong").wait);
    EXPECT_EQ(begin("wrong").wait, 2s);
}

TEST_F(EnrolmentTest, ASuccessForgetsFailures)
{
    const auto text = invite("carol");
    for (int failure = 1; failure <= 4; ++failure) (void)begin("wrong");
    const auto enrolment = begun(text);
    ASSERT_EQ(finish(enrolment, code_of(enrolment)), "enrolled");
    for (int failure = 1; failure <= 4; ++failure) (void)begin("wrong");
    EXPECT_FALSE(begin("wrong").wait);
}

TEST_F(EnrolmentTest, WaitsAreOfNoUsersName)
{
    for (int failure = 1; failure <= 5; ++failure) (void)begin("wrong");
    const auto here = Source::from_address("192.0.2.7");
    transact(store_, [&](Transaction& t) {
        EXPECT_EQ(t.failures(names_("enrol"), here), Failures{});
        EXPECT_EQ(t.refusals(names_("enrol")), 0);
    });
}

TEST_F(EnrolmentTest, AWrongCodeLeavesTheInvitation)
{
    const auto text = invite("carol");
    const auto enrolment = begun(text);
    for (const auto* const code : {"", "00000", "abcdef", "0000000"})
        EXPECT_EQ(finish(enrolment, code), "wrong_code");
    EXPECT_EQ(recorded(), "enrol refused wrong_code name 192.0.2.7");
    EXPECT_FALSE(account("carol"));
    EXPECT_TRUE(is_invited("carol"));
    EXPECT_EQ(finish(enrolment, code_of(enrolment)), "enrolled");
}

TEST_F(EnrolmentTest, ACodeOfAnotherTimeIsWrong)
{
    const auto enrolment = begun(invite("carol"));
    EXPECT_EQ(finish(enrolment, code_at(enrolment.totp_secret, kNoon - 60s)), "wrong_code");
    EXPECT_EQ(finish(enrolment, code_at(enrolment.totp_secret, kNoon + 60s)), "wrong_code");
    EXPECT_EQ(finish(enrolment, code_at(enrolment.totp_secret, kNoon + 30s)), "enrolled");
}

struct Meanwhile {
    const char* name;
    std::function<void(Transaction&)> what;
    const char* outcome;
};

void PrintTo(const Meanwhile& row, std::ostream* out) { *out << row.name; }

class EnrolmentMeanwhile : public EnrolmentTest, public testing::WithParamInterface<Meanwhile> {};

TEST_P(EnrolmentMeanwhile, CountsWhenTheCodeComes)
{
    add("alice");
    change([](Transaction& t, const Account& alice) { t.remove_totp(alice); }, "alice");
    const auto enrolment = begun(invite("alice"));
    transact(store_, GetParam().what);
    const auto password = password_of("alice");
    EXPECT_EQ(finish(enrolment, code_of(enrolment)), GetParam().outcome);
    EXPECT_EQ(password_of("alice"), password);
}

INSTANTIATE_TEST_SUITE_P(
    Enrolment, EnrolmentMeanwhile,
    testing::Values(Meanwhile{"Withdrawn", [](Transaction& store) { store.remove_invitation(name("alice")); },
                              "unknown_invitation"},
                    Meanwhile{"Disabled",
                              [](Transaction& store) {
                                  store.set_state(store.find_account(name("alice")).value(),
                                                  AccountState::disabled);
                              },
                              "disabled"},
                    Meanwhile{"EnrolledOtherwise",
                              [](Transaction& store) {
                                  store.set_totp(store.find_account(name("alice")).value(),
                                                 Secret::copy_of("12345678901234567890"), {}, kNoon);
                              },
                              "enrolled"}),
    [](const auto& row) { return row.param.name; });

TEST_F(EnrolmentTest, AnInvitationThatExpiresMeanwhileEnrolsNobody)
{
    const auto enrolment = begun(invite("carol", 10s));
    clock_.advance(10s);
    EXPECT_EQ(finish(enrolment, code_of(enrolment)), "expired_invitation");
    EXPECT_FALSE(account("carol"));
}

TEST_F(EnrolmentTest, OfTwoWithOneInvitationTheFirstWins)
{
    const auto text = invite("carol");
    const auto first = begun(text);
    const auto second = begun(text);
    EXPECT_EQ(finish(first, code_of(first)), "enrolled");
    const auto step = account("carol")->totp->last_step;
    EXPECT_EQ(finish(second, code_of(second)), "unknown_invitation");
    EXPECT_EQ(account("carol")->totp->last_step, step);
}

class OpenEnrolment : public EnrolmentTest {
  protected:
    Enrolments::Begun open(std::string_view typed, const char* address = "192.0.2.7")
    {
        Enrolments::Begun result;
        const Guest guest{.source = Source::from_address(address)};
        transact(store_, [&](Transaction& t) { result = enrolments_.begin_open(t, typed, guest); });
        if (result.enrolment) result.enrolment->phc = Secret::copy_of("$new$");
        return result;
    }
    Enrolment opened(std::string_view typed)
    {
        auto result = open(typed);
        if (!result.enrolment) throw std::logic_error("not open");
        return std::move(*result.enrolment);
    }
    /// `enrolled`, why not, or the wait.
    std::string enrol(std::string_view typed)
    {
        const auto begun = open(typed);
        if (begun.wait) return std::to_string(begun.wait->count());
        if (begun.refusal) return std::string(to_string(*begun.refusal));
        clock_.advance(30s);
        return finish(*begun.enrolment, code_of(*begun.enrolment));
    }
};

TEST_F(OpenEnrolment, MakesAnAccountThatIsWhole)
{
    const auto enrolment = opened("Carol");
    EXPECT_EQ(recorded(), "nothing");
    EXPECT_EQ(finish(enrolment, code_of(enrolment)), "enrolled");
    const auto carol = account("carol").value();
    EXPECT_EQ(carol.totp.value().last_step, kNoon.time_since_epoch() / 30s);
    EXPECT_EQ(password_of("carol"), "$new$");
    EXPECT_EQ(recovery_codes_.size(), kRecoveryCodes);
    EXPECT_EQ(recorded(), "enrol.open granted  user 192.0.2.7");
}

TEST_F(OpenEnrolment, OfWhatIsNoName)
{
    for (const auto* const typed : {"", "a b", "-carol", "carol\n", "\xc3\xa9"}) {
        EXPECT_EQ(open(typed).refusal, EnrolmentRefusal::no_name);
        EXPECT_EQ(recorded(), "enrol.open refused no_name name 192.0.2.7");
    }
}

TEST_F(OpenEnrolment, OfANameThatIsTaken)
{
    add("alice");
    invite("bob", 10s);
    const auto taken = open("ALICE");
    EXPECT_EQ(taken.refusal, EnrolmentRefusal::name_taken);
    EXPECT_EQ(taken.name, name("alice"));
    EXPECT_EQ(recorded(), "enrol.open refused name_taken user 192.0.2.7");
    EXPECT_EQ(open("bob").refusal, EnrolmentRefusal::name_taken);
    EXPECT_EQ(recorded(), "enrol.open refused name_taken name 192.0.2.7");
    clock_.advance(10s);
    EXPECT_EQ(enrol("bob"), "enrolled") << "the invitation has expired";
    EXPECT_FALSE(is_invited("bob"));
}

TEST_F(OpenEnrolment, OfTwoOfOneNameTheFirstWins)
{
    const auto first = opened("carol");
    const auto second = opened("carol");
    EXPECT_EQ(finish(first, code_of(first)), "enrolled");
    const auto id = account("carol")->id;
    EXPECT_EQ(finish(second, code_of(second)), "name_taken");
    EXPECT_EQ(account("carol")->id, id);
    EXPECT_TRUE(recovery_codes_.empty());
}

TEST_F(OpenEnrolment, TakesNoNameFromWhoIsInvitedMeanwhile)
{
    const auto enrolment = opened("carol");
    invite("carol");
    EXPECT_EQ(finish(enrolment, code_of(enrolment)), "name_taken");
    EXPECT_TRUE(is_invited("carol"));
}

TEST_F(OpenEnrolment, AWrongCodeMakesNothing)
{
    const auto enrolment = opened("carol");
    EXPECT_EQ(finish(enrolment, "000000"), "wrong_code");
    EXPECT_EQ(recorded(), "enrol.open refused wrong_code name 192.0.2.7");
    EXPECT_FALSE(account("carol"));
    EXPECT_EQ(finish(enrolment, code_of(enrolment)), "enrolled");
}

TEST_F(OpenEnrolment, EachLookUpIsCharged)
{
    add("alice");
    for (int look = 1; look <= 5; ++look) {
        EXPECT_FALSE(open(look % 2 == 0 ? "alice" : "free" + std::to_string(look)).wait) << look;
    }
    const auto records = store_.audit().size();
    EXPECT_EQ(open("alice").wait, 1s);
    EXPECT_EQ(store_.audit().size(), records);
    EXPECT_FALSE(open("alice", "192.0.2.8").wait) << "another source";
    EXPECT_TRUE(begin(invite("carol")).enrolment) << "an invitation waits for none of it";
}

TEST_F(OpenEnrolment, ANetworkIsOneSource)
{
    for (int look = 1; look <= 5; ++look) {
        (void)open("free", ("2001:db8:0:" + std::to_string(look) + "::1").c_str());
    }
    EXPECT_EQ(open("free", "2001:db8:0:99::1").wait, 1s);
    EXPECT_FALSE(open("free", "2001:db8:1::1").wait);
}

TEST_F(OpenEnrolment, WhatIsFinishedGivesItsOwnLookUpBackAndNoOther)
{
    for (int look = 1; look <= 4; ++look) (void)open("free");
    EXPECT_EQ(enrol("carol"), "enrolled");
    EXPECT_FALSE(open("free").wait);
    EXPECT_EQ(open("free").wait, 1s);
}

TEST_F(OpenEnrolment, ASourceFinishesEightAndThenOneAnHour)
{
    for (int number = 1; number <= kOpenAtOnce; ++number) {
        EXPECT_EQ(enrol("user" + std::to_string(number)), "enrolled");
    }
    EXPECT_EQ(enrol("late"), "3600");
    clock_.advance(1h);
    EXPECT_EQ(enrol("late"), "enrolled");
    EXPECT_EQ(enrol("later"), "3600");
    EXPECT_TRUE(open("another", "192.0.2.8").enrolment);
}

TEST_F(OpenEnrolment, ThoseBegunTogetherAreNoWayRoundThat)
{
    const auto begun_early = opened("early");
    for (int number = 1; number <= kOpenAtOnce; ++number) {
        EXPECT_EQ(enrol("user" + std::to_string(number)), "enrolled");
    }
    EXPECT_NE(finish(begun_early, code_of(begun_early)), "enrolled");
    EXPECT_FALSE(account("early"));
    clock_.advance(1h);
    EXPECT_EQ(finish(begun_early, code_of(begun_early)), "enrolled");
}

TEST_F(EnrolmentTest, WhatCannotBeCommittedHasNotHappened)
{
    const auto enrolment = begun(invite("carol"));
    store_.fail_commits(true);
    EXPECT_THROW((void)finish(enrolment, code_of(enrolment)), StoreError);
    store_.fail_commits(false);
    EXPECT_FALSE(account("carol"));
    EXPECT_TRUE(is_invited("carol"));
    EXPECT_EQ(finish(enrolment, code_of(enrolment)), "enrolled");
}

}  // namespace
}  // namespace securelogin::auth
