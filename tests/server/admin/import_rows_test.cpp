// The rows of each kind of text file.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "server/admin/failure.hpp"
#include "server/admin/import/row_sources.hpp"

namespace securelogin::admin {
namespace {

using Rows = std::vector<std::string>;
using Make = std::unique_ptr<RowSource> (*)(TextInput);

/// What an export tells besides.
std::string carried_by(const ImportRow& row)
{
    std::string text;
    if (row.totp_last_step > 0 || row.totp_failures > 0) {
        text += ' ' + std::to_string(row.totp_last_step) + '/' + std::to_string(row.totp_failures);
    }
    return text + (row.must_change_password ? " must change" : "");
}

/// `NUMBER name hash uri`, `NUMBER! fault` or `NUMBER- why it is left out`, of each row; or `refused: why`.
Rows read(Make make, const std::string& text)
{
    Rows rows;
    const auto source = make(TextInput(text));
    try {
        source->read([&](const ImportRow& row) {
            const auto number = std::to_string(row.number);
            if (row.fault) {
                rows.push_back(number + "! " + *row.fault);
            } else if (row.left_out) {
                rows.push_back(number + "- " + *row.left_out);
            } else {
                rows.push_back(number + ' ' + row.name + ' ' + row.password_hash + ' ' + row.otpauth_uri +
                               carried_by(row));
            }
            EXPECT_LE(row.position, source->size());
        });
    } catch (const Failure& failure) {
        rows.push_back(std::string("refused: ") + failure.what());
    }
    return rows;
}

struct FileCase {
    std::string name;
    Make make;
    std::string text;
    Rows rows;
};

class FileOfRows : public testing::TestWithParam<FileCase> {};

TEST_P(FileOfRows, IsRead) { EXPECT_EQ(read(GetParam().make, GetParam().text), GetParam().rows); }

const std::string kTooLong(kLongestRow + 1, 'x');

INSTANTIATE_TEST_SUITE_P(
    Htpasswd, FileOfRows,
    testing::Values(
        FileCase{"Users",
                 make_htpasswd_source,
                 "alice:$apr1$x\n# old\n\nbob:{SHA}y\r\n",
                 {"1 alice $apr1$x ", "4 bob {SHA}y "}},
        FileCase{"NoLastLineEnd", make_htpasswd_source, "alice:h", {"1 alice h "}},
        FileCase{"NoColon", make_htpasswd_source, "alice\n", {"1! there is no colon in it"}},
        FileCase{"NoHash", make_htpasswd_source, "alice:\n", {"1! it has no hash"}},
        FileCase{"Digest", make_htpasswd_source, "alice:realm:0123\n", {"1! it has more than two fields"}},
        FileCase{"TooLong", make_htpasswd_source, kTooLong + "\nbob:h\n", {"1! it is too long", "2 bob h "}},
        FileCase{"Nothing", make_htpasswd_source, "", {}}),
    [](const auto& row) { return row.param.name; });

const std::string kAging = ":19000:0:99999:7:::\n";
const std::string kFields = "! it does not have nine fields";

INSTANTIATE_TEST_SUITE_P(
    Shadow, FileOfRows,
    testing::Values(
        FileCase{"Users",
                 make_shadow_source,
                 "alice:$y$x" + kAging + "bob:$6$y" + kAging,
                 {"1 alice $y$x ", "2 bob $6$y "}},
        FileCase{"Star", make_shadow_source, "daemon:*" + kAging, {"1- it is locked"}},
        FileCase{"Bang", make_shadow_source, "daemon:!" + kAging, {"1- it is locked"}},
        FileCase{"LockedPassword", make_shadow_source, "alice:!$y$x" + kAging, {"1- it is locked"}},
        FileCase{"NeverSet", make_shadow_source, "alice:!!" + kAging, {"1- it is locked"}},
        FileCase{"NoPassword", make_shadow_source, "alice:" + kAging, {"1- it has no password"}},
        FileCase{"CutOff", make_shadow_source, "alice:$y$x:19000\n", {"1" + kFields}},
        FileCase{"TooManyFields", make_shadow_source, "alice:$y$x:" + kAging, {"1" + kFields}},
        FileCase{"Passwd", make_shadow_source, "root:x:0:0:root:/root:/bin/bash\n", {"1" + kFields}}),
    [](const auto& row) { return row.param.name; });

const std::string kOther = "1! it has a member that neither JSON lines nor an export have";

INSTANTIATE_TEST_SUITE_P(
    JsonLines, FileOfRows,
    testing::Values(
        FileCase{"Users",
                 make_json_lines_source,
                 "{\"name\":\"alice\",\"password_hash\":\"h\",\"otpauth_uri\":\"u\"}\n\n{\"name\":"
                 "\"b\\u006fb\"}\n",
                 {"1 alice h u", "3 bob  "}},
        FileCase{
            "Nulls", make_json_lines_source, "{\"name\":\"alice\",\"password_hash\":null}\n", {"1 alice  "}},
        FileCase{"NotJson", make_json_lines_source, "{\"name\":\n", {"1! it is not JSON"}},
        FileCase{"MoreBehind", make_json_lines_source, "{\"name\":\"alice\"} x\n", {"1! it is not JSON"}},
        FileCase{"Two", make_json_lines_source, "{\"name\":\"a\"}{\"name\":\"b\"}\n", {"1! it is not JSON"}},
        FileCase{"Array", make_json_lines_source, "[\"alice\"]\n", {"1! it is not a JSON object"}},
        FileCase{"String", make_json_lines_source, "\"alice\"\n", {"1! it is not a JSON object"}},
        FileCase{"NoName", make_json_lines_source, "{\"password_hash\":\"h\"}\n", {"1! it has no name"}},
        FileCase{"NumberForAName", make_json_lines_source, "{\"name\":1}\n", {"1! name is not a string"}},
        FileCase{"Misspelt", make_json_lines_source, "{\"name\":\"a\",\"otpauth_url\":\"u\"}\n", {kOther}},
        FileCase{"OfAnExport",
                 make_json_lines_source,
                 "{\"name\":\"alice\",\"state\":\"active\",\"created_at\":\"x\",\"password_set_at\":\"x\","
                 "\"password_hash\":\"h\",\"must_change_password\":true,\"otpauth_uri\":null,"
                 "\"totp_enrolled_at\":\"x\",\"totp_last_step\":59000000,\"totp_failures\":7}\n",
                 {"1 alice h  59000000/7 must change"}},
        FileCase{"DisabledInAnExport",
                 make_json_lines_source,
                 "{\"name\":\"alice\",\"state\":\"disabled\"}\n",
                 {"1- it is disabled"}},
        FileCase{"OtherState",
                 make_json_lines_source,
                 "{\"name\":\"alice\",\"state\":\"asleep\"}\n",
                 {"1! state is neither active nor disabled"}},
        FileCase{"StepBeforeAll",
                 make_json_lines_source,
                 "{\"name\":\"alice\",\"totp_last_step\":-1}\n",
                 {"1! totp_last_step is not a number of that kind"}},
        FileCase{"FailuresBeyondAll",
                 make_json_lines_source,
                 "{\"name\":\"alice\",\"totp_failures\":3000000000}\n",
                 {"1! totp_failures is not a number of that kind"}},
        FileCase{"MustItOrNot",
                 make_json_lines_source,
                 "{\"name\":\"alice\",\"must_change_password\":1}\n",
                 {"1! must_change_password is neither true nor false"}},
        FileCase{"Deep", make_json_lines_source, std::string(10000, '[') + "\n", {"1! it is not JSON"}},
        FileCase{"NotUtf8", make_json_lines_source, "{\"name\":\"\xFF\"}\n", {"1! it is not JSON"}},
        FileCase{"TooLong", make_json_lines_source, kTooLong + "\n", {"1! it is too long"}}),
    [](const auto& row) { return row.param.name; });

const std::string kHeader = "refused: reading the CSV's first line: ";

INSTANTIATE_TEST_SUITE_P(
    Csv, FileOfRows,
    testing::Values(
        FileCase{"Users",
                 make_csv_source,
                 "otpauth_uri,name,password_hash\nu,alice,h\r\n,bob,\"h,2\"\n",
                 {"2 alice h u", "3 bob h,2 "}},
        FileCase{
            "MarkAndCapitals", make_csv_source, "\xEF\xBB\xBFName,PASSWORD_HASH\nalice,h\n", {"2 alice h "}},
        FileCase{"FewerFields",
                 make_csv_source,
                 "name,password_hash\nalice\nbob,h\n",
                 {"2! it has 1 fields, and the first line 2", "3 bob h "}},
        FileCase{"MoreFields",
                 make_csv_source,
                 "name,password_hash\nalice,h,x\n",
                 {"2! it has 3 fields, and the first line 2"}},
        FileCase{"BrokenRow",
                 make_csv_source,
                 "name,password_hash\na\"b,h\nbob,h\n",
                 {"2! there is a quote inside of a field that is not quoted", "3 bob h "}},
        FileCase{"Nothing", make_csv_source, "", {kHeader + "there is none"}},
        FileCase{"NoName", make_csv_source, "password_hash\nh\n", {kHeader + "it has no column name"}},
        FileCase{"OnlyNames",
                 make_csv_source,
                 "name\nalice\n",
                 {kHeader + "it has neither a column password_hash nor otpauth_uri"}},
        FileCase{
            "TwoNames", make_csv_source, "name,name,password_hash\n", {kHeader + "it has two columns name"}},
        FileCase{"BrokenHeader", make_csv_source, "\"name\n", {kHeader + "a quote is not closed"}},
        FileCase{
            "UnknownColumn",
            make_csv_source,
            "name,otpauth_url\n",
            {kHeader + "there is a column otpauth_url: only name, password_hash and otpauth_uri are known: "
                       "take others out"}}),
    [](const auto& row) { return row.param.name; });

const std::string kAuthelia = R"(###  Users  ###
theme: dark
users:
  john:
    disabled: false
    displayname: 'John Doe'
    password: '$argon2id$v=19$m=65536'
    email: john.doe@authelia.com
    groups: [admins, dev]
  harry:
    disabled: true
    displayname: "Harry"
    password: "$6$rounds=50000$x"
    groups: []
  bob:
    password: $6$y
    groups:
      - dev
    extra: {password: not this one}
other:
  password: x
)";

INSTANTIATE_TEST_SUITE_P(
    Authelia, FileOfRows,
    testing::Values(FileCase{"Users",
                             make_authelia_source,
                             kAuthelia,
                             {"4 john $argon2id$v=19$m=65536 ", "10- it is disabled", "15 bob $6$y "}},
                    FileCase{"Flow", make_authelia_source, "users: {john: {password: h}}\n", {"1 john h "}},
                    FileCase{"NoUsersInIt", make_authelia_source, "users: {}\n", {}},
                    FileCase{"NoPassword",
                             make_authelia_source,
                             "users:\n  john:\n    disabled: false\n",
                             {"2! it has no password"}},
                    FileCase{"PasswordIsNull",
                             make_authelia_source,
                             "users:\n  john:\n    password: ~\n",
                             {"2! it has no password"}},
                    FileCase{"UserIsText",
                             make_authelia_source,
                             "users:\n  john: x\n  bob: {password: h}\n",
                             {"2! it is not a map", "3 bob h "}},
                    FileCase{"UserIsNull",
                             make_authelia_source,
                             "users:\n  john:\n  bob: {password: h}\n",
                             {"2! it is not a map", "3 bob h "}},
                    FileCase{"UserIsList",
                             make_authelia_source,
                             "users:\n  john: [password, h]\n  bob: {password: h}\n",
                             {"2! it is not a map", "3 bob h "}},
                    FileCase{"UserIsAlias",
                             make_authelia_source,
                             "users:\n  a: &a {password: h}\n  b: *a\n",
                             {"2 a h ", "3! it is not a map"}},
                    FileCase{"PasswordIsAlias",
                             make_authelia_source,
                             "users:\n  a: {password: &p h}\n  b: {password: *p}\n",
                             {"2 a h ", "3! it has an alias, which is not followed"}},
                    FileCase{"UsersIsList",
                             make_authelia_source,
                             "users: [john]\n",
                             {"refused: reading Authelia's users: there is no map `users`"}},
                    FileCase{"Nothing",
                             make_authelia_source,
                             "",
                             {"refused: reading Authelia's users: there is no map `users`"}},
                    FileCase{"ListOfUsers",
                             make_authelia_source,
                             "- users: {john: {password: h}}\n",
                             {"refused: reading Authelia's users: there is no map `users`"}}),
    [](const auto& row) { return row.param.name; });

TEST(Authelia, ThatIsNoYamlIsRefusedWithItsLine)
{
    const auto rows = read(make_authelia_source, "users:\n  a: {password: h}\n  b: {password: [\n");
    ASSERT_FALSE(rows.empty());
    EXPECT_NE(rows.back().find("refused: reading Authelia's users: line "), std::string::npos) << rows.back();
    EXPECT_NE(rows.back().find("it is not YAML"), std::string::npos);
}

}  // namespace
}  // namespace securelogin::admin
