// How a device is named, and when a user's logins make it known.
#include "server/auth/device.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "server/auth/authenticator.hpp"
#include "tests/support/fake_clock.hpp"
#include "tests/support/fake_random.hpp"
#include "tests/support/memory_store.hpp"
#include "tests/support/one_time_code.hpp"

namespace securelogin::auth {
namespace {

using namespace std::chrono_literals;
using support::code_at;
using testing::ElementsAre;
using testing::IsEmpty;

DeviceFingerprint device(std::uint8_t byte)
{
    DeviceFingerprint fingerprint{};
    fingerprint.fill(byte);
    return fingerprint;
}

TEST(DeviceFingerprint, IsWrittenAsServersAre)
{
    EXPECT_EQ(to_string(device(0)), "SHA256:" + std::string(43, 'A'));
    EXPECT_EQ(short_form(device(0)), std::string(12, 'A'));
    EXPECT_EQ(short_form(device(0xFF)), "////////////");
}

struct NamingCase {
    std::string name;
    std::string text;
    bool named;
};

class DeviceNaming : public testing::TestWithParam<NamingCase> {};

TEST_P(DeviceNaming, NamesItOrNot) { EXPECT_EQ(is_named_by(device(0), GetParam().text), GetParam().named); }

INSTANTIATE_TEST_SUITE_P(
    Forms, DeviceNaming,
    testing::Values(NamingCase{"Whole", "SHA256:" + std::string(43, 'A'), true},
                    NamingCase{"Padded", "SHA256:" + std::string(43, 'A') + "=", true},
                    NamingCase{"WithoutPrefix", std::string(43, 'A'), true},
                    NamingCase{"Short", std::string(12, 'A'), true},
                    NamingCase{"ShortWithPrefix", "SHA256:" + std::string(12, 'A'), true},
                    NamingCase{"Shortest", std::string(8, 'A'), true},
                    NamingCase{"TooShort", std::string(7, 'A'), false}, NamingCase{"Empty", "", false},
                    NamingCase{"PrefixAlone", "SHA256:", false},
                    NamingCase{"TooLong", std::string(44, 'A'), false},
                    NamingCase{"PaddedTooEarly", std::string(12, 'A') + "=", false},
                    NamingCase{"AnotherOne", std::string(11, 'A') + "B", false},
                    NamingCase{"LowerCase", std::string(12, 'a'), false}),
    [](const auto& row) { return row.param.name; });

/// Alice, who comes from devices.
class DevicesTest : public testing::Test {
  protected:
    DevicesTest()
    {
        transact(store_, [&](Transaction& t) {
            EXPECT_TRUE(t.add_account({.id = kAlice,
                                       .name = *UserName::parse("alice"),
                                       .phc = Secret::copy_of("$argon2id$"),
                                       .totp_secret = secret_.clone(),
                                       .totp = {},
                                       .created_at = clock_.now()}));
        });
    }

    Verdict attempt(const std::optional<DeviceFingerprint>& from, bool password_is_right,
                    const std::string& code, const std::optional<Session>& current = {})
    {
        Verdict verdict;
        clock_.advance(30s);
        auto claim = authenticator_.claim("alice", Source::from_address("192.0.2.7"), from);
        const auto account = store_.open_reader()->find_account(*UserName::parse("alice"));
        const PasswordCheck check{
            .matches = password_is_right, .user = account->id, .epoch = account->password_epoch};
        const auto typed = code.empty() ? code_at(secret_, clock_.now()) : code;
        transact(store_, [&](Transaction& t) {
            (void)authenticator_.admit(t, claim, [](const Asker&) { return true; });
            verdict = current ? authenticator_.confirm(t, claim, check, typed, *current)
                              : authenticator_.decide(t, claim, check, typed);
        });
        return verdict;
    }
    Verdict log_in(const std::optional<DeviceFingerprint>& from) { return attempt(from, true, ""); }

    std::vector<std::string> known()
    {
        std::vector<std::string> devices;
        for (const auto& known : store_.open_reader()->devices(kAlice))
            devices.push_back(short_form(known.fingerprint));
        return devices;
    }

    static constexpr UserId kAlice{1};
    support::FakeClock clock_;
    support::FakeRandom random_;
    const Secret secret_ = Secret::copy_of("12345678901234567890");
    MasterKey master_{Secret::copy_of("0123456789abcdef0123456789abcdef")};
    support::MemoryStore store_;
    Authenticator authenticator_{Policy{}, master_, clock_, random_};
};

TEST_F(DevicesTest, ALoginMakesItsDeviceKnown)
{
    ASSERT_TRUE(log_in(device(1)).granted);
    const auto first = clock_.now();
    ASSERT_TRUE(log_in(device(2)).granted);
    ASSERT_TRUE(log_in(device(1)).granted);
    EXPECT_THAT(known(), ElementsAre(short_form(device(1)), short_form(device(2))));
    const auto seen = store_.open_reader()->devices(kAlice).front();
    EXPECT_EQ(seen.first_seen, first);
    EXPECT_EQ(seen.last_seen, clock_.now());
    EXPECT_EQ(seen.source, "192.0.2.7");
}

TEST_F(DevicesTest, ALoginWithoutOneIsAsGood)
{
    EXPECT_TRUE(log_in(std::nullopt).granted);
    EXPECT_THAT(known(), IsEmpty());
    EXPECT_EQ(store_.audit().back().device, "");
}

TEST_F(DevicesTest, ARefusedAttemptMakesNoneKnown)
{
    EXPECT_FALSE(attempt(device(1), false, "").granted);
    EXPECT_FALSE(attempt(device(1), true, "000000").granted);
    EXPECT_THAT(known(), IsEmpty());
}

TEST_F(DevicesTest, AKnownDeviceMakesNoYesOutOfANo)
{
    ASSERT_TRUE(log_in(device(1)).granted);
    EXPECT_EQ(attempt(device(1), false, "").refusal, Refusal::wrong_password);
    EXPECT_EQ(attempt(device(1), true, "000000").refusal, Refusal::wrong_code);
}

TEST_F(DevicesTest, TheAuditNamesTheDeviceOfEachAttempt)
{
    log_in(device(1));
    attempt(device(2), false, "");
    std::vector<std::string> named;
    for (const auto& record : store_.audit()) named.push_back(record.outcome + ' ' + record.device);
    EXPECT_THAT(named, ElementsAre("granted " + short_form(device(1)), "refused " + short_form(device(2))));
}

TEST_F(DevicesTest, ConfirmingMakesNoneKnown)
{
    const auto session = log_in(std::nullopt).granted->session;
    ASSERT_TRUE(attempt(device(1), true, "", session).granted);
    EXPECT_THAT(known(), IsEmpty());
}

TEST_F(DevicesTest, AHoldersNewPasswordForgetsTheOtherDevices)
{
    const auto alice = *UserName::parse("alice");
    const auto change = [&](const Session& by, const std::optional<DeviceFingerprint>& from) {
        transact(store_, [&](Transaction& t) {
            EXPECT_TRUE(authenticator_.change_password(t, alice, by, Secret::copy_of("$new$"), from));
        });
    };
    ASSERT_TRUE(log_in(device(1)).granted);
    change(log_in(device(2)).granted->session, device(2));
    EXPECT_THAT(known(), ElementsAre(short_form(device(2))));
    change(log_in(std::nullopt).granted->session, std::nullopt);
    EXPECT_THAT(known(), IsEmpty());
}

TEST_F(DevicesTest, WhatCannotBeSavedMakesNoneKnown)
{
    store_.fail_commits(true);
    EXPECT_THROW(log_in(device(1)), StoreError);
    store_.fail_commits(false);
    EXPECT_THAT(known(), IsEmpty());
}

}  // namespace
}  // namespace securelogin::auth
