// Rows in, accounts out: order, counts, namesakes, and what stops an import.
#include "server/admin/import/importer.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/server/store/test_store.hpp"

namespace securelogin::admin {
namespace {

const std::string kPhc =
    "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2E$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
const std::string kSha256 = "4104d36f8da2c254349f85836793ebe029e0c957063a34c91c2e9203187b5631";

struct Given {
    std::string name;
    std::string hash = kPhc;
    std::optional<std::string> fault = {};
    std::optional<std::string> left_out = {};
};

/// Rows that are given, then perhaps the end of the disk.
class Rows final : public RowSource {
  public:
    explicit Rows(std::vector<Given> rows, bool broken = false) : rows_(std::move(rows)), broken_(broken) {}
    void read(const Visit& visit) override
    {
        for (const auto& given : rows_) {
            ImportRow row;
            row.number = row.position = ++number_;
            row.name = given.name;
            row.password_hash = given.hash;
            row.fault = given.fault;
            row.left_out = given.left_out;
            visit(std::move(row));
        }
        if (broken_) throw std::runtime_error("the disk is broken");
    }
    [[nodiscard]] std::uint64_t size() const noexcept override { return rows_.size(); }

  private:
    std::vector<Given> rows_;
    bool broken_;
    std::uint64_t number_ = 0;
};

class ImporterTest : public testing::Test {
  protected:
    ImporterTest() { store::add(*store::open_store(file_), "zoe", 1); }

    ImportSummary gather(std::vector<Given> rows, const Importer::Plan& plan)
    {
        auto staging = plan.apply ? std::make_unique<store::ImportStaging>(file_, keys())
                                  : std::make_unique<store::ImportStaging>(file_);
        return gather(std::move(rows), plan, *staging);
    }
    ImportSummary gather(std::vector<Given> given, const Importer::Plan& plan, store::ImportStaging& staging)
    {
        Rows rows(std::move(given));
        Importer importer(staging, random_, plan, [this](std::uint64_t position, std::uint64_t count) {
            EXPECT_GE(position, count);
            progress_ = count;
        });
        return importer.gather(rows);
    }
    static auth::MasterKeySource keys()
    {
        return [] {
            std::vector<auth::MasterKey> all;
            all.push_back(store::master_key());
            return all;
        };
    }

    auth::SystemRandom random_;
    support::TemporaryDirectory directory_;
    std::filesystem::path file_ = directory_.path() / "securelogin.db";
    std::uint64_t progress_ = 0;
};

std::vector<std::string> passed_over(const ImportSummary& summary)
{
    std::vector<std::string> all;
    for (const auto& row : summary.passed_over)
        all.push_back(std::to_string(row.row) + ' ' + row.name + ": " + row.reason + (row.fault ? "" : " -"));
    return all;
}

using Texts = std::vector<std::string>;

TEST_F(ImporterTest, NamesEachRowThatIsPassedOverInOrder)
{
    const auto summary = gather({{"Zoe"},
                                 {"anna"},
                                 {"locked", "", {}, "it is locked"},
                                 {"broken", "", "it is too long"},
                                 {"Anna"},
                                 {"a b"}},
                                {.threads = 2});
    EXPECT_EQ(passed_over(summary),
              (Texts{"1 Zoe: there is an account zoe already", "3 locked: it is locked -",
                     "4 broken: it is too long", "5 Anna: its name is also that of \"anna\" of line 2",
                     "6 a b: its name can be nobody's: letters a-z, digits, '.', '_' and '-', a letter or "
                     "digit first, 64 at most"}));
    EXPECT_EQ(summary.rows, 6U);
    EXPECT_EQ(summary.accounts, 1U);
    EXPECT_EQ(summary.invited, 1U);
    EXPECT_EQ(summary.faults, 4U);
    EXPECT_EQ(summary.left_out, 1U);
}

TEST_F(ImporterTest, TheFirstOfTwoNamesakesIsTheOneWhateverTheThreads)
{
    std::vector<Given> given;
    for (int i = 0; i < 1000; ++i) given.push_back({"user" + std::to_string(i)});
    for (int i = 0; i < 1000; ++i) given.push_back({"USER" + std::to_string(i)});
    const auto summary = gather(given, {.threads = 4});
    EXPECT_EQ(summary.accounts, 1000U);
    EXPECT_EQ(summary.faults, 1000U);
    EXPECT_EQ(progress_, 2000U);
    for (const auto& row : summary.passed_over) EXPECT_GT(row.row, 1000U);
}

TEST_F(ImporterTest, ListsSoManyAndCountsTheRest)
{
    const std::vector<Given> given(ImportSummary::kMostListed + 5, Given{"a b"});
    const auto summary = gather(given, {.threads = 2});
    EXPECT_EQ(summary.passed_over.size(), ImportSummary::kMostListed);
    EXPECT_EQ(summary.faults, ImportSummary::kMostListed + 5);
}

TEST_F(ImporterTest, WhatIsStagedIsPublishedWithHashesWrapped)
{
    store::ImportStaging staging(file_, keys());
    const auto summary = gather({{"anna", kSha256}, {"bert"}}, {.apply = true, .threads = 2}, staging);
    EXPECT_EQ(summary.wrapped, 1U);
    EXPECT_EQ(staging.publish({.now = support::kNoon, .reason = "two"}).accounts, 2U);
    const auto store = store::open_store(file_, store::IfMissing::refuse);
    const auto reader = store->open_reader();
    EXPECT_TRUE(
        reader->find_password(store::name("anna"))->phc.view().starts_with("$over$sha256$$argon2id$"));
    EXPECT_EQ(reader->find_password(store::name("bert"))->phc.view(), kPhc);
}

TEST_F(ImporterTest, ASourceThatBreaksStopsIt)
{
    store::ImportStaging staging(file_);
    Rows rows({{"anna"}}, true);
    Importer importer(staging, random_, {.threads = 2}, [](std::uint64_t, std::uint64_t) {});
    EXPECT_THROW((void)importer.gather(rows), std::runtime_error);
}

TEST_F(ImporterTest, ParametersThatNothingIsHashedWithStopIt)
{
    EXPECT_THROW((void)gather({{"anna", kSha256}}, {.apply = true, .hash = {1, 1, 1}, .threads = 2}),
                 std::invalid_argument);
}

TEST_F(ImporterTest, OfNothingIsNothing)
{
    const auto summary = gather({}, {.threads = 1});
    EXPECT_EQ(summary.rows, 0U);
    EXPECT_EQ(summary.accounts, 0U);
}

}  // namespace
}  // namespace securelogin::admin
