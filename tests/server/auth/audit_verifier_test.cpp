#include "server/auth/audit_verifier.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/support/fake_clock.hpp"

namespace securelogin::auth {
namespace {

using support::kNoon;
using testing::HasSubstr;

const AuditChain& chain()
{
    static const AuditChain made(MasterKey(Secret::copy_of(std::string(MasterKey::kSize, 'k'))));
    return made;
}

/// The audit as whoever can write the database finds it.
struct Audit {
    std::vector<AuditEntry> entries;
    std::optional<AuditHead> head = chain().begin();

    void append(const std::string& event)
    {
        const AuditRecord record{.at = kNoon, .event = event, .outcome = "done"};
        const auto mark = chain().mark(head->last.mac, head->last.id + 1, record);
        entries.push_back({.mark = mark, .record = record});
        head = chain().head(mark);
    }
};

/// Ten records, `event-1` to `event-10`.
Audit ten()
{
    Audit audit;
    for (int i = 1; i <= 10; ++i) audit.append("event-" + std::to_string(i));
    return audit;
}

AuditFindings verify(const Audit& audit, std::optional<AuditMark> checkpoint = {})
{
    AuditVerifier verifier(chain(), checkpoint);
    for (const auto& entry : audit.entries) {
        if (!verifier.take(entry)) break;
    }
    return verifier.finish(audit.head);
}

TEST(AuditVerifier, FindsNothingWhereNothingIs)
{
    const auto empty = verify({});
    EXPECT_FALSE(empty.fault);
    EXPECT_EQ(empty.records, 0);
    const auto audit = ten();
    const auto findings = verify(audit);
    EXPECT_FALSE(findings.fault);
    EXPECT_EQ(findings.records, 10);
    EXPECT_EQ(findings.last, audit.head->last);
    EXPECT_FALSE(findings.begin);
}

AuditChain other_chain(char octet)
{
    return AuditChain(MasterKey(Secret::copy_of(std::string(MasterKey::kSize, octet))));
}

/// Five records under the key `a`, five under `b`, five under that of chain(); what to verify them with.
struct RotatedAudit {
    Audit audit;
    std::vector<EarlierChain> earlier;

    RotatedAudit()
    {
        earlier.push_back({.last_id = 5, .chain = other_chain('a')});
        earlier.push_back({.last_id = 10, .chain = other_chain('b')});
        for (int i = 1; i <= 15; ++i)
            append(i <= 5 ? earlier[0].chain : i <= 10 ? earlier[1].chain : chain(), i);
    }
    void append(const AuditChain& under, int number)
    {
        const AuditRecord record{.at = kNoon, .event = "event-" + std::to_string(number), .outcome = "done"};
        const auto mark = under.mark(audit.head->last.mac, audit.head->last.id + 1, record);
        audit.entries.push_back({.mark = mark, .record = record});
        audit.head = under.head(mark);
    }
    AuditFindings verify() const
    {
        AuditVerifier verifier(chain(), {}, earlier);
        for (const auto& entry : audit.entries) {
            if (!verifier.take(entry)) break;
        }
        return verifier.finish(audit.head);
    }
};

TEST(AuditVerifier, FollowsTheChainThroughRotations)
{
    const auto findings = RotatedAudit().verify();
    EXPECT_FALSE(findings.fault);
    EXPECT_EQ(findings.records, 15);
}

struct RotatedFault {
    std::string name;
    void (*tamper)(RotatedAudit& rotated);
    std::int64_t record;
};

class RotatedAndTampered : public testing::TestWithParam<RotatedFault> {};

/// By somebody who has the retired keys, and so can make marks and heads with them.
TEST_P(RotatedAndTampered, IsSeen)
{
    RotatedAudit rotated;
    GetParam().tamper(rotated);
    const auto fault = rotated.verify().fault;
    ASSERT_TRUE(fault);
    EXPECT_EQ(fault->record, GetParam().record);
}

INSTANTIATE_TEST_SUITE_P(
    Rows, RotatedAndTampered,
    testing::Values(
        RotatedFault{"AnOldRecordWrittenAnew",
                     [](RotatedAudit& rotated) {
                         auto& entries = rotated.audit.entries;
                         entries[8].record.event = "theirs";
                         for (std::size_t i = 8; i < 10; ++i) {
                             entries[i].mark = rotated.earlier[1].chain.mark(
                                 entries[i - 1].mark.mac, entries[i].mark.id, entries[i].record);
                         }
                     },
                     11},
        RotatedFault{"CutOffAtTheRotation",
                     [](RotatedAudit& rotated) {
                         rotated.audit.entries.resize(10);
                         rotated.audit.head =
                             rotated.earlier[1].chain.head(rotated.audit.entries.back().mark);
                     },
                     11},
        RotatedFault{"AppendedUnderARetiredKey",
                     [](RotatedAudit& rotated) { rotated.append(rotated.earlier[1].chain, 16); }, 16},
        RotatedFault{"AnEarlierKeyGone",
                     [](RotatedAudit& rotated) { rotated.earlier.erase(rotated.earlier.begin()); }, 1},
        RotatedFault{"AnEarlierKeyForLonger", [](RotatedAudit& rotated) { rotated.earlier[1].last_id = 15; },
                     11}),
    [](const auto& row) { return row.param.name; });

TEST(AuditVerifier, TellsWhereTheChainBegan)
{
    auto audit = ten();
    audit.append(std::string(kChainBegins));
    audit.append("login");
    const auto findings = verify(audit);
    EXPECT_FALSE(findings.fault);
    ASSERT_TRUE(findings.begin);
    EXPECT_EQ(findings.begin->mark.id, 11);
}

TEST(AuditVerifier, AGapThatWasThereWhenTheChainBeganIsNone)
{
    Audit audit;
    audit.append("first");
    const AuditRecord record{.at = kNoon, .event = "fourth", .outcome = "done"};
    const auto mark = chain().mark(audit.head->last.mac, 4, record);
    audit.entries.push_back({.mark = mark, .record = record});
    audit.head = chain().head(mark);
    EXPECT_FALSE(verify(audit).fault);
}

struct Tampering {
    std::string name;
    void (*tamper)(Audit& audit);
    std::int64_t record;  // the first bad one
    std::string what;
};

void PrintTo(const Tampering& row, std::ostream* out) { *out << row.name; }

class Tampered : public testing::TestWithParam<Tampering> {};

TEST_P(Tampered, NamesTheFirstBadRecord)
{
    auto audit = ten();
    GetParam().tamper(audit);
    const auto findings = verify(audit);
    ASSERT_TRUE(findings.fault);
    EXPECT_EQ(findings.fault->record, GetParam().record);
    EXPECT_THAT(findings.fault->what, HasSubstr(GetParam().what));
}

void drop(Audit& audit, std::size_t first, std::size_t count)
{
    const auto at = audit.entries.begin() + static_cast<std::ptrdiff_t>(first - 1);
    audit.entries.erase(at, at + static_cast<std::ptrdiff_t>(count));
}

INSTANTIATE_TEST_SUITE_P(
    Audits, Tampered,
    testing::Values(
        Tampering{"AFieldChanged", [](Audit& a) { a.entries[4].record.event = "event-x"; }, 5,
                  "record 5 has been changed"},
        Tampering{"TheFirstChanged", [](Audit& a) { a.entries[0].record.at += std::chrono::seconds(1); }, 1,
                  "record 1 has been changed"},
        Tampering{"TheLastChanged", [](Audit& a) { a.entries[9].record.outcome = "granted"; }, 10,
                  "record 10 has been changed"},
        Tampering{"AMacChanged", [](Audit& a) { a.entries[6].mark.mac[31] ^= 1; }, 7,
                  "record 7 has been changed"},
        Tampering{"ARowThatIsNone", [](Audit& a) { a.entries[2].well_formed = false; }, 3,
                  "record 3 has been changed"},
        Tampering{"TwoChanged",
                  [](Audit& a) {
                      a.entries[3].record.reason = "x";
                      a.entries[7].record.reason = "x";
                  },
                  4, "record 4 has been changed"},
        Tampering{"OneDropped", [](Audit& a) { drop(a, 5, 1); }, 5, "record 5 has been dropped"},
        Tampering{"TheFirstDropped", [](Audit& a) { drop(a, 1, 1); }, 1, "record 1 has been dropped"},
        Tampering{"ThreeDropped", [](Audit& a) { drop(a, 5, 3); }, 5, "records 5 to 7 have been dropped"},
        Tampering{"OneDroppedAndTheRestRenumbered",
                  [](Audit& a) {
                      drop(a, 5, 1);
                      for (std::size_t i = 4; i < 9; ++i) a.entries[i].mark.id -= 1;
                  },
                  5, "record 5 has been changed, or another put in its place"},
        Tampering{"TwoReordered",
                  [](Audit& a) {
                      std::swap(a.entries[2].record, a.entries[5].record);
                      std::swap(a.entries[2].mark.mac, a.entries[5].mark.mac);
                  },
                  3, "record 3 has been changed, or another put in its place"},
        Tampering{"NeighboursReordered",
                  [](Audit& a) {
                      std::swap(a.entries[2].record, a.entries[3].record);
                      std::swap(a.entries[2].mark.mac, a.entries[3].mark.mac);
                  },
                  3, "record 3 has been changed, or another put in its place"},
        Tampering{"OneTwice", [](Audit& a) { a.entries.insert(a.entries.begin() + 4, a.entries[3]); }, 4,
                  "record 4 is no record of ours"},
        Tampering{"OneBeforeTheFirst",
                  [](Audit& a) {
                      auto copy = a.entries[0];
                      copy.mark.id = -3;
                      a.entries.insert(a.entries.begin(), copy);
                  },
                  -3, "record -3 is no record of ours"},
        Tampering{"OneAppendedWithoutTheKey",
                  [](Audit& a) {
                      auto copy = a.entries[9];
                      copy.mark.id = 11;
                      a.entries.push_back(copy);
                  },
                  11, "record 11 has been changed"},
        Tampering{"TheEndCutOff", [](Audit& a) { drop(a, 8, 3); }, 8, "records 8 to 10 have been cut off"},
        Tampering{"TheLastCutOff", [](Audit& a) { drop(a, 10, 1); }, 10, "record 10 has been cut off"},
        Tampering{"AllCutOff", [](Audit& a) { a.entries.clear(); }, 1, "records 1 to 10 have been cut off"},
        Tampering{"TheEndCutOffAndTheHeadMadeToFit",
                  [](Audit& a) {
                      drop(a, 8, 3);
                      a.head->last = a.entries.back().mark;
                  },
                  8, "the audit's head has been changed: whether record 8 and later ones have been cut off"},
        Tampering{"TheEndCutOffAndTheHeadGone",
                  [](Audit& a) {
                      drop(a, 8, 3);
                      a.head = {};
                  },
                  8, "the audit's head is gone"},
        Tampering{"AllGoneAndTheHeadGone",
                  [](Audit& a) {
                      a.entries.clear();
                      a.head = {};
                  },
                  1, "the audit's head is gone"},
        Tampering{"TheHeadPutBackAlone", [](Audit& a) { a.head = chain().head(a.entries[6].mark); }, 8,
                  "put back to record 7: it does not know records 8 to 10"},
        Tampering{"AHeadOfAnotherTenth",
                  [](Audit& a) {
                      Audit other;
                      for (int i = 0; i < 10; ++i) other.append("other");
                      a.head = other.head;
                  },
                  10, "belongs to another record 10"}),
    [](const auto& row) { return row.param.name; });

TEST(AuditVerifier, TheEndPutBackWithItsHeadShowsByACheckpointOnly)
{
    const auto whole = ten();
    auto put_back = whole;
    drop(put_back, 8, 3);
    put_back.head = chain().head(put_back.entries.back().mark);  // as it once was
    EXPECT_FALSE(verify(put_back).fault);
    EXPECT_FALSE(verify(put_back, whole.entries[6].mark).fault);
    const auto missing = verify(put_back, whole.entries[9].mark).fault;
    ASSERT_TRUE(missing);
    EXPECT_EQ(missing->record, 8);
    EXPECT_THAT(missing->what, HasSubstr("the checkpoint's record 10 is missing"));

    for (int i = 0; i < 5; ++i) put_back.append("since then");
    const auto another = verify(put_back, whole.entries[9].mark).fault;
    ASSERT_TRUE(another);
    EXPECT_EQ(another->record, 10);
    EXPECT_THAT(another->what, HasSubstr("record 10 is not the one of the checkpoint"));
}

TEST(AuditVerifier, ARestoreIsToldOf)
{
    const auto whole = ten();
    EXPECT_FALSE(verify(whole).restored);
    auto restored = whole;
    drop(restored, 8, 3);
    restored.head = chain().head(restored.entries.back().mark);
    restored.append(std::string(kRestored));  // number 8
    restored.append("afterwards");
    const auto findings = verify(restored);
    EXPECT_FALSE(findings.fault);
    ASSERT_TRUE(findings.restored);
    EXPECT_EQ(findings.restored->mark.id, 8);
    for (const std::size_t checkpoint : {7U, 8U, 9U}) {  // the eighth to the tenth record, as they were
        const auto fault = verify(restored, whole.entries[checkpoint].mark).fault;
        ASSERT_TRUE(fault) << checkpoint;
        EXPECT_THAT(fault->what, HasSubstr("record 8 says that a backup was restored")) << checkpoint;
    }
}

TEST(AuditVerifier, ACheckpointInAGapIsMissing)
{
    Audit audit;
    audit.append("first");
    const AuditRecord record{.at = kNoon, .event = "fourth", .outcome = "done"};
    const auto mark = chain().mark(audit.head->last.mac, 4, record);
    audit.entries.push_back({.mark = mark, .record = record});
    audit.head = chain().head(mark);
    const auto fault = verify(audit, AuditMark{.id = 3}).fault;
    ASSERT_TRUE(fault);
    EXPECT_EQ(fault->record, 3);
}

}  // namespace
}  // namespace securelogin::auth
