#include "server/web/form.hpp"

#include <gtest/gtest.h>

#include <string>

namespace securelogin::web {
namespace {

TEST(Form, HoldsWhatWasTyped)
{
    const auto form = *Form::parse("username=alice&password=a%20b%2Bc%26d+e%C3%A9&code=&csrf");
    EXPECT_EQ(form["username"], "alice");
    EXPECT_EQ(form["password"], "a b+c&d e\xC3\xA9");
    EXPECT_EQ(form["code"], "");
    EXPECT_EQ(form["csrf"], "");
    EXPECT_EQ(form["back"], "");
    EXPECT_EQ(form.secret("password").view(), form["password"]);
}

TEST(Form, NothingIsAForm) { EXPECT_EQ((*Form::parse(""))["username"], ""); }

TEST(Form, MalformedOnesAreNone)
{
    for (const auto* const text : {"a=%", "a=%4", "a=%zz", "%=1", "a=1&a=2", "a=1&%61=2"}) {
        EXPECT_FALSE(Form::parse(text)) << text;
    }
}

TEST(Form, HasSixteenFieldsAtMost)
{
    std::string text;
    for (char field = 'a'; field < 'a' + 16; ++field) text += std::string(1, field) + "=1&";
    EXPECT_TRUE(Form::parse(text));
    EXPECT_FALSE(Form::parse(text + "z=1"));
}

}  // namespace
}  // namespace securelogin::web
