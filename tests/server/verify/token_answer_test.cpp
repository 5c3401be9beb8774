#include "server/token_answer.hpp"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <string>

#include "tests/support/fake_clock.hpp"

namespace securelogin {
namespace {

using namespace std::chrono_literals;

auth::TokenVerdict yes()
{
    return {.holder = auth::TokenHolder{.user = auth::UserId{17},
                                        .name = *auth::UserName::parse("alice"),
                                        .session = "6f1c0a52",
                                        .expires_at = support::kNoon + 12h,
                                        .last_used_at = support::kNoon}};
}

std::string answer(const auth::TokenVerdict& verdict)
{
    std::string out;
    append_answer(out, verdict);
    return out;
}

TEST(TokenAnswer, IsOneLineOfJson)
{
    EXPECT_EQ(answer(yes()),
              R"({"valid":true,"user":"alice","session":"6f1c0a52","expires":"2026-06-02T00:00:00Z"})");
    EXPECT_EQ(answer({}), R"({"valid":false})");
    EXPECT_EQ(answer({.malformed = true}), R"({"valid":false,"error":"not a token"})");
}

TEST(TokenAnswer, IsAppended)
{
    std::string out = "before\n";
    append_answer(out, {});
    append_refusal(out, "try later");
    EXPECT_EQ(out, "before\n{\"valid\":false}{\"valid\":false,\"error\":\"try later\"}");
}

TEST(TokenAnswer, IsJsonForEveryName)
{
    auto verdict = yes();
    verdict.holder->name = *auth::UserName::parse("9._-" + std::string(60, 'z'));
    const auto parsed = boost::json::parse(answer(verdict));
    EXPECT_EQ(parsed.at("user").as_string(), verdict.holder->name.str());
}

TEST(TokenAnswer, AReasonMayHoldAnything)
{
    std::string out;
    append_refusal(out, std::string("\"\\\n\0\x1B", 5) + std::string(2000, 'x'));
    EXPECT_EQ(out.find('\n'), std::string::npos);
    const auto parsed = boost::json::parse(out);
    EXPECT_FALSE(parsed.at("valid").as_bool());
    EXPECT_EQ(parsed.at("error").as_string().size(), 2005U);
}

}  // namespace
}  // namespace securelogin
