#include "server/admin/import/import_kind.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

#include "server/admin/failure.hpp"
#include "tests/support/temporary_directory.hpp"

namespace securelogin::admin {
namespace {

struct KindCase {
    std::string name;
    std::string beginning;
    std::optional<ImportKind> kind;
};

class Recognised : public testing::TestWithParam<KindCase> {};

TEST_P(Recognised, ByWhatItBeginsWith) { EXPECT_EQ(recognise_text(GetParam().beginning), GetParam().kind); }

INSTANTIATE_TEST_SUITE_P(
    ImportKind, Recognised,
    testing::Values(
        KindCase{"Htpasswd", "alice:$apr1$abcdefgh$sIQmFnT1CuEXAsyjuXjUX/\n", ImportKind::htpasswd},
        KindCase{"HtpasswdSha", "alice:{SHA}L55TUjtiq8FBorTWAZ0jy6g129A=\n", ImportKind::htpasswd},
        KindCase{"HtpasswdDes", "alice:rEK1ecacw.7.c\n", ImportKind::htpasswd},
        KindCase{"HtpasswdComment", "# ours: all\n\nalice:$2y$05$x\n", ImportKind::htpasswd},
        KindCase{"Shadow", "root:*:19000:0:99999:7:::\n", ImportKind::shadow},
        KindCase{"Authelia", "users:\n  john:\n", ImportKind::authelia},
        KindCase{"AutheliaDocument", "---\nusers:\n", ImportKind::authelia},
        KindCase{"AutheliaComment", "###########\n#  Users  #\n###########\n\nusers:\n",
                 ImportKind::authelia},
        KindCase{"AutheliaCarriageReturns", "---\r\nusers:\r\n", ImportKind::authelia},
        KindCase{"AutheliaFlow", "users: {john: {password: x}}\n", ImportKind::authelia},
        KindCase{"Csv", "name,password_hash,otpauth_uri\n", ImportKind::csv},
        KindCase{"CsvOtherOrder", "otpauth_uri,\"Name\"\r\n", ImportKind::csv},
        KindCase{"CsvMark", "\xEF\xBB\xBFname,password_hash\n", ImportKind::csv},
        KindCase{"JsonLines", "{\"name\": \"alice\"}\n", ImportKind::jsonl}),
    [](const auto& row) { return row.param.name; });

INSTANTIATE_TEST_SUITE_P(NotClear, Recognised,
                         testing::Values(KindCase{"Empty", "", std::nullopt},                               //
                                         KindCase{"OnlyComments", "# a\n# b\n", std::nullopt},              //
                                         KindCase{"Prose", "Dear administrator,\n", std::nullopt},          //
                                         KindCase{"CsvWithoutName", "user,password\n", std::nullopt},       //
                                         KindCase{"CsvBadHeader", "\"name,password_hash\n", std::nullopt},  //
                                         KindCase{"PlainPassword", "alice:letmein\n", std::nullopt},        //
                                         KindCase{"Passwd", "root:x:0:0:root:/root:/bin/bash\n",
                                                  std::nullopt},                                            //
                                         KindCase{"JsonArray", "[{\"name\": \"alice\"}]\n", std::nullopt},  //
                                         KindCase{"OtherYaml", "accounts:\n  john:\n", std::nullopt},       //
                                         KindCase{"Binary",
                                                  std::string("\x7F"
                                                              "ELF\0\1\2",
                                                              7),
                                                  std::nullopt}),
                         [](const auto& row) { return row.param.name; });

/// What the Failure says that opening a file with this text throws; `none` when it throws none.
std::string refusal(const std::string& text, std::optional<ImportKind> kind)
{
    const support::TemporaryDirectory directory;
    const auto file = directory.path() / "file";
    std::ofstream(file, std::ios::binary) << text;
    try {
        (void)open_import(file, kind);
        return "none";
    } catch (const Failure& failure) {
        return failure.what();
    }
}

TEST(OpenImport, RefusesWhatIsNotWhatItIsSaidToBe)
{
    EXPECT_NE(refusal("Dear administrator", std::nullopt).find("--from"), std::string::npos);
    EXPECT_NE(refusal("name,password_hash\n", ImportKind::socket).find("not a database"), std::string::npos);
    EXPECT_EQ(refusal("alice:letmein\n", ImportKind::htpasswd), "none") << "each row is judged by itself";
}

TEST(OpenImport, RefusesWhatCannotBeRead)
{
    const support::TemporaryDirectory directory;
    EXPECT_THROW((void)open_import(directory.path(), std::nullopt), Failure);
    EXPECT_THROW((void)open_import(directory.path() / "none", ImportKind::csv), Failure);
}

TEST(ImportKindName, IsReadBack)
{
    for (const auto* const name : {"socket", "flask", "htpasswd", "shadow", "authelia", "csv", "jsonl"}) {
        const auto kind = parse_import_kind(name);
        ASSERT_TRUE(kind) << name;
        EXPECT_EQ(to_string(*kind), name);
    }
    for (const auto* const name : {"", "CSV", "json", "sqlite"})
        EXPECT_FALSE(parse_import_kind(name)) << name;
}

}  // namespace
}  // namespace securelogin::admin
