#include "server/web/credentials.hpp"

#include <gtest/gtest.h>

#include <string>

namespace securelogin::web {
namespace {

struct Good {
    const char* name;
    std::string text;
    std::string user, password, code;
};

class GoodCredentials : public testing::TestWithParam<Good> {};

TEST_P(GoodCredentials, AreRead)
{
    const auto& row = GetParam();
    const auto credentials = Credentials::parse(row.text);
    ASSERT_TRUE(credentials);
    EXPECT_EQ(credentials->name, row.user);
    EXPECT_EQ(credentials->password.view(), row.password);
    EXPECT_EQ(credentials->code.view(), row.code);
}

INSTANTIATE_TEST_SUITE_P(
    Web, GoodCredentials,
    testing::Values(Good{"Plain", R"({"username":"a","password":"b c","code":"1"})", "a", "b c", "1"},
                    Good{"InAnyOrder", R"({"code":"1","username":"a","password":"b"})", "a", "b", "1"},
                    Good{"WithBlanks", "\r\n{ \"username\" :\t\"a\", \"password\":\"b\", \"code\":\"1\" }\n",
                         "a", "b", "1"},
                    Good{"Empty", R"({"username":"","password":"","code":""})", "", "", ""},
                    Good{"Escaped", R"({"\u0075sername":"\u00e9","password":"\"\\\/\n","code":"\u0000"})",
                         "\xC3\xA9", "\"\\/\n", std::string(1, '\0')},
                    Good{"Utf8",
                         "{\"username\":\"\xC3\xA9\",\"password\":\"\xF0\x9F\x94\x91\",\"code\":\"1\"}",
                         "\xC3\xA9", "\xF0\x9F\x94\x91", "1"},
                    Good{"QuotesInTexts", R"({"username":"\"code\":","password":",\\","code":"1"})",
                         "\"code\":", ",\\", "1"}),
    [](const auto& row) { return row.param.name; });

struct Bad {
    const char* name;
    std::string text;
};

class BadCredentials : public testing::TestWithParam<Bad> {};

TEST_P(BadCredentials, AreRefused) { EXPECT_FALSE(Credentials::parse(GetParam().text)); }

INSTANTIATE_TEST_SUITE_P(
    Web, BadCredentials,
    testing::Values(
        Bad{"Nothing", ""}, Bad{"NoJson", "username=a&password=b&code=1"},
        Bad{"NoObject", R"(["a","b","1"])"}, Bad{"CutOff", R"({"username":"a","password":"b","code":"1")"},
        Bad{"Tail", R"({"username":"a","password":"b","code":"1"}x)"},
        Bad{"TrailingComma", R"({"username":"a","password":"b","code":"1",})"},
        Bad{"Comment", R"({"username":"a",/**/"password":"b","code":"1"})"},
        Bad{"OneMissing", R"({"username":"a","password":"b"})"},
        Bad{"OneMore", R"({"username":"a","password":"b","code":"1","x":"2"})"},
        Bad{"AnotherName", R"({"Username":"a","password":"b","code":"1"})"},
        Bad{"Number", R"({"username":"a","password":"b","code":123456})"},
        Bad{"Null", R"({"username":"a","password":null,"code":"1"})"},
        Bad{"InAList", R"({"username":"a","password":["b"],"code":"1"})"},
        Bad{"NameTwice", R"({"username":"a","password":"b","code":"1","username":"c"})"},
        Bad{"NameTwiceOnceEscaped", R"({"username":"a","password":"b","\u0063ode":"2","code":"1"})"},
        Bad{"NameTwiceOnceNoText", R"({"code":["1"],"username":"a","password":"b","code":"1"})"},
        Bad{"NoUtf8", "{\"username\":\"\xFF\",\"password\":\"b\",\"code\":\"1\"}"},
        Bad{"HalfASurrogatePair", R"({"username":"\ud83d","password":"b","code":"1"})"},
        Bad{"ControlCharacter", "{\"username\":\"a\n\",\"password\":\"b\",\"code\":\"1\"}"},
        Bad{"ByteOrderMark", "\xEF\xBB\xBF{\"username\":\"a\",\"password\":\"b\",\"code\":\"1\"}"},
        Bad{"Deep", std::string(10'000, '[')}),
    [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace securelogin::web
