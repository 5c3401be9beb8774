#include "server/auth/audit_chain.hpp"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/fake_clock.hpp"

namespace securelogin::auth {
namespace {

using namespace std::chrono_literals;
using support::kNoon;

MasterKey master(char octet = 'k')
{
    return MasterKey(Secret::copy_of(std::string(MasterKey::kSize, octet)));
}

NameKey name_key(std::uint8_t octet)
{
    NameKey key{};
    key.fill(octet);
    return key;
}

const AuditRecord kRecord{.at = kNoon,
                          .event = "login",
                          .outcome = "refused",
                          .reason = "wrong_code",
                          .user = UserId{17},
                          .name = {},
                          .source = "192.0.2.7"};

struct OtherRecord {
    std::string name;
    void (*change)(AuditRecord& record);
};

class OtherRecords : public testing::TestWithParam<OtherRecord> {};

TEST_P(OtherRecords, HaveOtherMacs)
{
    const AuditChain chain(master());
    auto other = kRecord;
    GetParam().change(other);
    EXPECT_NE(chain.mark({}, 1, other), chain.mark({}, 1, kRecord));
}

INSTANTIATE_TEST_SUITE_P(
    Fields, OtherRecords,
    testing::Values(OtherRecord{"Time", [](AuditRecord& r) { r.at += 1s; }},
                    OtherRecord{"Event", [](AuditRecord& r) { r.event = "logout"; }},
                    OtherRecord{"Outcome", [](AuditRecord& r) { r.outcome = "granted"; }},
                    OtherRecord{"Reason", [](AuditRecord& r) { r.reason = "wrong_password"; }},
                    OtherRecord{"NoReason", [](AuditRecord& r) { r.reason = ""; }},
                    OtherRecord{"User", [](AuditRecord& r) { r.user = UserId{18}; }},
                    OtherRecord{"NoUser", [](AuditRecord& r) { r.user = {}; }},
                    OtherRecord{"Name", [](AuditRecord& r) { r.name = name_key(1); }},
                    OtherRecord{"Device", [](AuditRecord& r) { r.device = "AAAABBBBCCCC"; }},
                    OtherRecord{"Source", [](AuditRecord& r) { r.source = "192.0.2.8"; }},
                    // The same octets, cut elsewhere.
                    OtherRecord{"EventIntoOutcome",
                                [](AuditRecord& r) { r.event = "log", r.outcome = "inrefused"; }},
                    OtherRecord{"OutcomeIntoReason",
                                [](AuditRecord& r) { r.outcome = "refusedwrong_code", r.reason = ""; }},
                    OtherRecord{"ReasonIntoSource",
                                [](AuditRecord& r) { r.reason = "", r.source = "wrong_code192.0.2.7"; }}),
    [](const auto& row) { return row.param.name; });

TEST(AuditChain, AMacDependsOnPlacePredecessorAndKey)
{
    const AuditChain chain(master());
    const auto mark = chain.mark({}, 1, kRecord);
    EXPECT_EQ(AuditChain(master()).mark({}, 1, kRecord), mark);
    EXPECT_NE(chain.mark({}, 2, kRecord).mac, mark.mac);
    EXPECT_NE(chain.mark(mark.mac, 1, kRecord).mac, mark.mac);
    EXPECT_NE(AuditChain(master('l')).mark({}, 1, kRecord).mac, mark.mac);
}

TEST(AuditChain, AHeadIsMadeByTheKeyAlone)
{
    const AuditChain chain(master());
    const auto mark = chain.mark({}, 1, kRecord);
    const auto head = chain.head(mark);
    EXPECT_TRUE(chain.is_genuine(head));
    EXPECT_TRUE(chain.is_genuine(chain.begin()));
    EXPECT_FALSE(AuditChain(master('l')).is_genuine(head));
    EXPECT_FALSE(chain.is_genuine({.last = mark, .mac = mark.mac}));
    EXPECT_FALSE(chain.is_genuine({.last = {.id = 2, .mac = mark.mac}, .mac = head.mac}));
    EXPECT_FALSE(chain.is_genuine({.last = {.id = 1, .mac = {}}, .mac = head.mac}));
    EXPECT_FALSE(chain.is_genuine({}));
}

TEST(AuditMark, IsReadAsItIsWritten)
{
    const auto mark = AuditChain(master()).mark({}, 1234567, kRecord);
    EXPECT_TRUE(to_text(mark).starts_with("1234567:"));
    EXPECT_EQ(parse_audit_mark(to_text(mark)), mark);
}

struct NoMark {
    std::string name;
    std::string text;
};

class NoMarks : public testing::TestWithParam<NoMark> {};

TEST_P(NoMarks, AreRefused) { EXPECT_FALSE(parse_audit_mark(GetParam().text)) << GetParam().text; }

const std::string kMac(43, 'A');
INSTANTIATE_TEST_SUITE_P(
    Texts, NoMarks,
    testing::Values(NoMark{"Empty", ""}, NoMark{"IdAlone", "1"}, NoMark{"NoMac", "1:"},
                    NoMark{"NoId", ":" + kMac}, NoMark{"IdNought", "0:" + kMac},
                    NoMark{"NegativeId", "-1:" + kMac}, NoMark{"IdInWords", "one:" + kMac},
                    NoMark{"IdTooLarge", "9223372036854775808:" + kMac},
                    NoMark{"MacTooShort", "1:" + kMac.substr(4)}, NoMark{"MacTooLong", "1:AAAA" + kMac},
                    NoMark{"NoBase64", "1:!" + kMac.substr(1)}, NoMark{"BlankInFront", " 1:" + kMac},
                    NoMark{"BlankBehind", "1:" + kMac + " "}),
    [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace securelogin::auth
