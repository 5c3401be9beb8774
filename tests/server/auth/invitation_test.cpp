// What an invitation looks like, what is stored of it, and what may be done about it.
#include "server/auth/invitation.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <set>
#include <string>

#include "server/auth/accounts.hpp"
#include "tests/support/fake_clock.hpp"
#include "tests/support/fake_random.hpp"
#include "tests/support/memory_store.hpp"

namespace securelogin::auth {
namespace {

using namespace std::chrono_literals;
using support::kNoon;
using testing::MatchesRegex;

UserName name(std::string_view text) { return UserName::parse(text).value(); }

MasterKey master() { return MasterKey(Secret::copy_of("0123456789abcdef0123456789abcdef")); }

/// 16 octets 0x00, 0x11, ... 0xff, as Crockford's base 32 writes them.
constexpr auto kKnown = "008J-4CT4-ANK7-F24S-NAXW-SQFE-ZW";

std::optional<InvitationHash> hash_of_known() { return hash_of_invitation(kKnown); }

TEST(Invitation, IsWrittenInGroupsOfFour)
{
    support::FakeRandom random;
    random.draw_next(
        {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff});
    EXPECT_EQ(generate_invitation(random).view(), kKnown);
}

TEST(Invitation, IsEveryTimeAnother)
{
    support::FakeRandom random;
    std::set<std::string> seen;
    for (int i = 0; i < 100; ++i) {
        const auto text = generate_invitation(random);
        EXPECT_THAT(std::string(text.view()),
                    MatchesRegex("([0-9A-HJKMNP-TV-Z]{4}-){6}[0-9A-HJKMNP-TV-Z]{2}"));
        EXPECT_TRUE(seen.emplace(text.view()).second);
    }
}

struct Typed {
    const char* name;
    const char* typed;
};

void PrintTo(const Typed& row, std::ostream* out) { *out << row.name; }

class SameInvitation : public testing::TestWithParam<Typed> {};

TEST_P(SameInvitation, HoweverItIsTyped)
{
    EXPECT_TRUE(hash_of_known().has_value());
    EXPECT_EQ(hash_of_invitation(GetParam().typed), hash_of_known());
}

INSTANTIATE_TEST_SUITE_P(Invitation, SameInvitation,
                         testing::Values(Typed{"AsItIs", kKnown},
                                         Typed{"SmallLetters", "008j-4ct4-ank7-f24s-naxw-sqfe-zw"},
                                         Typed{"WithoutHyphens", "008J4CT4ANK7F24SNAXWSQFEZW"},
                                         Typed{"InOtherGroups", "008J4-CT4AN-K7F24-SNAXW-SQFEZ-W"},
                                         Typed{"WithBlanks", " 008J 4CT4 ANK7 F24S NAXW SQFE ZW "},
                                         Typed{"LettersForDigits", "oO8J-4CT4-ANK7-F24S-NAXW-SQFE-ZW"}),
                         [](const auto& row) { return row.param.name; });

class NoInvitation : public testing::TestWithParam<Typed> {};

TEST_P(NoInvitation, IsNeverTheOne)
{
    const auto hash = hash_of_invitation(GetParam().typed);
    EXPECT_FALSE(hash.has_value()) << GetParam().typed;
}

INSTANTIATE_TEST_SUITE_P(Invitation, NoInvitation,
                         testing::Values(Typed{"Nothing", ""}, Typed{"HyphensOnly", "----"},
                                         Typed{"OneTooFew", "008J-4CT4-ANK7-F24S-NAXW-SQFE-Z"},
                                         Typed{"OneTooMany", "008J-4CT4-ANK7-F24S-NAXW-SQFE-ZW0"},
                                         Typed{"SpareBitsSet", "008J-4CT4-ANK7-F24S-NAXW-SQFE-ZX"},
                                         Typed{"ALetterThatIsNone", "U08J-4CT4-ANK7-F24S-NAXW-SQFE-ZW"},
                                         Typed{"AnotherHyphen", "008J\u20134CT4-ANK7-F24S-NAXW-SQFE-ZW"},
                                         Typed{"ATabulator", "008J-4CT4-ANK7-F24S-NAXW-SQFE-ZW\t"},
                                         Typed{"AUsersName", "alice"}),
                         [](const auto& row) { return row.param.name; });

TEST(Invitation, TypedWrongIsAnother)
{
    EXPECT_NE(hash_of_invitation("108J-4CT4-ANK7-F24S-NAXW-SQFE-ZW"), hash_of_known());
}

class InvitationsTest : public testing::Test {
  protected:
    using Change = std::function<bool(Transaction&)>;

    bool commit(const Change& change)
    {
        bool done = false;
        transact(store_, [&](Transaction& transaction) { done = change(transaction); });
        return done;
    }
    Invitation invite(std::string_view who)
    {
        const auto prepared = invitations_.prepare(name(who), 24h);
        EXPECT_TRUE(commit([&](Transaction& t) { return invitations_.invite(t, prepared.invitation); }));
        return prepared.invitation;
    }
    bool add(std::string_view who)
    {
        const auto made = accounts_.prepare(name(who), Secret::copy_of("$argon2id$"), {});
        return commit([&](Transaction& t) { return accounts_.add(t, made); });
    }
    bool is_invited(std::string_view who)
    {
        return store_.open_reader()->invitation_of(name(who)).has_value();
    }
    Account account(std::string_view who) { return store_.open_reader()->find_account(name(who)).value(); }
    std::string audit()
    {
        std::string text;
        for (const auto& record : store_.audit()) {
            text += record.event + ' ' + record.outcome + ' ' + record.reason + (record.user ? " user" : "") +
                    (record.name ? " name" : "") + ' ' + record.source + '\n';
        }
        return text;
    }

    support::FakeClock clock_;
    support::FakeRandom random_;
    support::MemoryStore store_;
    NameKeyer names_{master()};
    Invitations invitations_{names_, clock_, random_, "admin"};
    Accounts accounts_{clock_, random_, "admin"};
};

TEST_F(InvitationsTest, AnInvitationIsKeptAsItsHash)
{
    const auto prepared = invitations_.prepare(name("carol"), 90s);
    EXPECT_EQ(hash_of_invitation(prepared.text.view()), prepared.invitation.hash);
    EXPECT_EQ(prepared.invitation.created_at, kNoon);
    EXPECT_EQ(prepared.invitation.expires_at, kNoon + 90s);
    EXPECT_TRUE(is_genuine(prepared.invitation, names_));
}

struct Forgery {
    const char* name;
    void (*change)(Invitation&);
};

void PrintTo(const Forgery& row, std::ostream* out) { *out << row.name; }

class ForgedInvitation : public InvitationsTest, public testing::WithParamInterface<Forgery> {};

TEST_P(ForgedInvitation, IsToldFromAGenuineOne)
{
    auto invitation = invitations_.prepare(name("carol"), 24h).invitation;
    GetParam().change(invitation);
    EXPECT_FALSE(is_genuine(invitation, names_));
}

INSTANTIATE_TEST_SUITE_P(
    Invitation, ForgedInvitation,
    testing::Values(Forgery{"AnothersName", [](Invitation& i) { i.name = name("alice"); }},
                    Forgery{"AnotherHash", [](Invitation& i) { i.hash.front() ^= 0x20U; }},
                    Forgery{"ALaterEnd", [](Invitation& i) { i.expires_at += 1s; }},
                    Forgery{"AnEarlierBeginning", [](Invitation& i) { i.created_at -= 1s; }},
                    Forgery{"NoMac", [](Invitation& i) { i.mac = {}; }}),
    [](const auto& row) { return row.param.name; });

TEST_F(InvitationsTest, AnotherMasterKeysInvitationIsForged)
{
    const auto invitation = invitations_.prepare(name("carol"), 24h).invitation;
    EXPECT_FALSE(is_genuine(invitation, NameKeyer(MasterKey(Secret(MasterKey::kSize)))));
}

TEST_F(InvitationsTest, InvitingIsRecordedUnderTheName)
{
    invite("carol");
    EXPECT_EQ(audit(), "user.invite done carol name admin\n");
    EXPECT_EQ(store_.audit().back().name, names_("carol"));
}

TEST_F(InvitationsTest, AnEnrolledUserIsNotInvited)
{
    ASSERT_TRUE(add("alice"));
    const auto prepared = invitations_.prepare(name("alice"), 24h);
    EXPECT_FALSE(commit([&](Transaction& t) { return invitations_.invite(t, prepared.invitation); }));
    EXPECT_FALSE(is_invited("alice"));
    EXPECT_EQ(audit(), "user.add done  user admin\n");
}

TEST_F(InvitationsTest, AUserWithoutAKeyIsInvited)
{
    ASSERT_TRUE(add("alice"));
    transact(store_, [&](Transaction& t) { t.remove_totp(*t.find_account(name("alice"))); });
    invite("alice");
    EXPECT_EQ(audit(), "user.add done  user admin\nuser.invite done alice user admin\n");
}

TEST_F(InvitationsTest, ReinvitingTakesKeySessionsAndDevicesAway)
{
    ASSERT_TRUE(add("alice"));
    const auto before = account("alice");
    transact(store_, [&](Transaction& t) {
        EXPECT_TRUE(t.open_session({before.id, "0badcafe", kNoon, kNoon + 12h, kNoon, "192.0.2.7"}));
        t.remember_device(before.id, DeviceFingerprint{1}, kNoon, "192.0.2.7");
    });
    const auto prepared = invitations_.prepare(name("alice"), 24h);
    EXPECT_TRUE(commit([&](Transaction& t) { return invitations_.reinvite(t, prepared.invitation); }));
    EXPECT_FALSE(account("alice").totp);
    EXPECT_EQ(store_.open_reader()->count_sessions(before.id, {}, kNoon), 0U);
    EXPECT_TRUE(store_.open_reader()->devices(before.id).empty());
    EXPECT_TRUE(is_invited("alice"));
    EXPECT_EQ(audit(), "user.add done  user admin\nuser.reset-totp done invited user admin\n");
}

TEST_F(InvitationsTest, NobodyIsReinvited)
{
    const auto prepared = invitations_.prepare(name("alice"), 24h);
    EXPECT_FALSE(commit([&](Transaction& t) { return invitations_.reinvite(t, prepared.invitation); }));
    EXPECT_FALSE(is_invited("alice"));
    EXPECT_EQ(audit(), "");
}

TEST_F(InvitationsTest, WithdrawingLeavesNothing)
{
    invite("carol");
    const auto withdraw = [&](Transaction& t) { return invitations_.withdraw(t, name("carol")); };
    EXPECT_TRUE(commit(withdraw));
    EXPECT_FALSE(is_invited("carol"));
    EXPECT_FALSE(commit(withdraw));
    EXPECT_EQ(audit(), "user.invite done carol name admin\nuser.uninvite done carol name admin\n");
}

TEST_F(InvitationsTest, WhoIsInvitedIsNotAddedUntilItExpires)
{
    invite("carol");
    EXPECT_FALSE(add("carol"));
    clock_.advance(24h);
    EXPECT_TRUE(add("carol"));
    EXPECT_FALSE(is_invited("carol"));
}

TEST_F(InvitationsTest, AnInvitationGoesWithTheUser)
{
    ASSERT_TRUE(add("alice"));
    const auto prepared = invitations_.prepare(name("alice"), 24h);
    ASSERT_TRUE(commit([&](Transaction& t) { return invitations_.reinvite(t, prepared.invitation); }));
    EXPECT_TRUE(commit([&](Transaction& t) { return accounts_.remove(t, name("alice")); }));
    EXPECT_FALSE(is_invited("alice"));
}

TEST_F(InvitationsTest, AKeyMadeAtOnceTakesTheInvitationBack)
{
    ASSERT_TRUE(add("alice"));
    const auto prepared = invitations_.prepare(name("alice"), 24h);
    ASSERT_TRUE(commit([&](Transaction& t) { return invitations_.reinvite(t, prepared.invitation); }));
    EXPECT_TRUE(commit([&](Transaction& t) {
        return accounts_.reset_totp(t, name("alice"), Secret::copy_of("12345678901234567890"), {});
    }));
    EXPECT_FALSE(is_invited("alice"));
}

}  // namespace
}  // namespace securelogin::auth
