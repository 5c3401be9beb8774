#include "server/web/cookies.hpp"

#include <gtest/gtest.h>

#include "server/web/forgery_guard.hpp"
#include "tests/support/fake_random.hpp"

namespace securelogin::web {
namespace {

using namespace std::chrono_literals;

Request with_cookies(std::initializer_list<const char*> fields)
{
    Request request;
    for (const auto* const field : fields) request.add(http::field::cookie, "Cookie", field);
    return request;
}

TEST(Cookies, AreFoundByTheirWholeName)
{
    const auto request = with_cookies({"a=1; __Host-securelogin=token; x__Host-visit=2;__Host-visit=3"});
    EXPECT_EQ(cookie(request, kSessionCookie), "token");
    EXPECT_EQ(cookie(request, kVisitCookie), "3");
    EXPECT_EQ(cookie(request, kDeviceCookie), "");
}

TEST(Cookies, ThatAreThereTwiceAreNone)
{
    EXPECT_EQ(cookie(with_cookies({"__Host-visit=1; __Host-visit=2"}), kVisitCookie), "");
    EXPECT_EQ(cookie(with_cookies({"__Host-visit=1", "__Host-visit=1"}), kVisitCookie), "");
}

TEST(Cookies, AreSetForThisHostOnlyAndOutOfScriptsReach)
{
    EXPECT_EQ(set_cookie(kSessionCookie, "token"),
              "__Host-securelogin=token; Path=/; Secure; HttpOnly; SameSite=Lax");
    EXPECT_EQ(set_cookie(kDeviceCookie, "d", 60s),
              "__Host-device=d; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=60");
    EXPECT_EQ(clear_cookie(kSessionCookie),
              "__Host-securelogin=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0");
}

TEST(Cookies, ADeviceIsToldByItsCookiesHash)
{
    support::FakeRandom random;
    const auto one = new_cookie_value(random);
    const auto other = new_cookie_value(random);
    ASSERT_TRUE(device_of(one.view()));
    EXPECT_EQ(device_of(one.view()), device_of(one.view()));
    EXPECT_NE(device_of(one.view()), device_of(other.view()));
    for (const auto* const none : {"", "x", "alice"}) EXPECT_FALSE(device_of(none)) << none;
}

TEST(ForgeryGuard, ATokenIsGoodForOneCookieOfOneProcess)
{
    support::FakeRandom random;
    const ForgeryGuard guard(random);
    const ForgeryGuard after_restart(random);
    const auto token = guard.token_for("alice's cookie");
    EXPECT_TRUE(guard.is_token_for("alice's cookie", token));
    EXPECT_FALSE(guard.is_token_for("mallory's cookie", token));
    EXPECT_FALSE(guard.is_token_for("", guard.token_for("")));
    EXPECT_FALSE(guard.is_token_for("alice's cookie", ""));
    EXPECT_FALSE(guard.is_token_for("alice's cookie", token.substr(1)));
    EXPECT_FALSE(after_restart.is_token_for("alice's cookie", token));
}

TEST(ForgeryGuard, WhatAnAddressTellsIsProvedToOneCookie)
{
    support::FakeRandom random;
    const ForgeryGuard guard(random);
    const ForgeryGuard after_restart(random);
    const auto proved = guard.proved_query("alice", "refused=3");
    EXPECT_EQ(guard.check_query("alice", proved), "refused=3");
    EXPECT_TRUE(proved.starts_with("refused=3&proof=")) << proved;
    EXPECT_EQ(proved.find_first_of("+/"), std::string::npos) << "not as it is in a query";
    EXPECT_FALSE(guard.check_query("mallory", proved));
    EXPECT_FALSE(after_restart.check_query("alice", proved));
    EXPECT_FALSE(guard.check_query("", guard.proved_query("", "refused=3")));
    auto other = proved;
    other.replace(other.find('3'), 1, "4");
    const auto csrf = "refused=3&proof=" + guard.token_for("alice");
    for (const auto& forged :
         {other, proved + "&refused=4", std::string("refused=3"), std::string("refused=3&proof="), csrf,
          guard.token_for("alice"), "refused=3&" + proved, std::string()}) {
        EXPECT_FALSE(guard.check_query("alice", forged)) << forged;
    }
}

TEST(ForgeryGuard, AnOriginIsOwnOrNot)
{
    EXPECT_TRUE(is_own_origin("https://login.example.com", "https", "login.example.com"));
    EXPECT_TRUE(is_own_origin("https://login.example.com", "https", "login.example.com:443"));
    EXPECT_TRUE(is_own_origin("https://127.0.0.1:8443", "https", "127.0.0.1:8443"));
    for (const auto* const origin :
         {"null", "https://evil.example", "http://login.example.com",
          "https://login.example.com.evil.example", "https://login.example.com:8443",
          "https://login.example.com@evil.example", "login.example.com", ""}) {
        EXPECT_FALSE(is_own_origin(origin, "https", "login.example.com")) << origin;
    }
}

}  // namespace
}  // namespace securelogin::web
