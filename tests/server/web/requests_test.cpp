#include "server/web/requests.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string_view>

namespace securelogin::web {
namespace {

/// REQUIRES: there is room for all of it.
void put(Requests& requests, std::string_view octets)
{
    std::ranges::copy(octets, requests.space().begin());
    requests.received(octets.size());
}

std::string_view target_of(const Requests::Next* next)
{
    return next != nullptr && next->request != nullptr ? next->request->target() : "none";
}

constexpr std::string_view kFirst = "GET /first HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr std::string_view kSecond = "GET /second HTTP/1.1\r\nHost: a\r\n\r\n";

TEST(RequestsOfAConnection, StayNextUntilTheyAreDone)
{
    Requests requests;
    put(requests, kFirst);
    EXPECT_EQ(target_of(requests.next()), "/first");
    EXPECT_EQ(target_of(requests.next()), "/first");
    EXPECT_FALSE(requests.empty());
    requests.done();
    EXPECT_EQ(requests.next(), nullptr);
    EXPECT_TRUE(requests.empty());
}

TEST(RequestsOfAConnection, ComeOneAfterTheOther)
{
    Requests requests;
    put(requests, kFirst);
    put(requests, kSecond.substr(0, 10));
    EXPECT_EQ(target_of(requests.next()), "/first");
    requests.done();
    EXPECT_EQ(requests.next(), nullptr);  // as yet
    EXPECT_FALSE(requests.empty());
    put(requests, kSecond.substr(10));
    EXPECT_EQ(target_of(requests.next()), "/second");
}

TEST(RequestsOfAConnection, WhatIsRefusedIsAnsweredAsWell)
{
    Requests requests;
    put(requests, "GET /first HTTP/1.1\r\n\r\n");
    const auto* const next = requests.next();
    ASSERT_NE(next, nullptr);
    EXPECT_EQ(next->refused, http::status::bad_request);
    EXPECT_EQ(requests.next(), next);
    EXPECT_FALSE(requests.empty());
}

struct PathCase {
    std::string_view octets, path;
};

TEST(RequestsOfAConnection, TellThePathOfWhatCannotBeRead)
{
    constexpr PathCase cases[]{
        {"", ""},
        {"GET", ""},
        {"GET\r\nHost: a b\r\n", ""},
        {"\r\nGET /api/v1/login HTTP/1.1\r\n", ""},
        {"GET /api/v1/lo", "/api/v1/lo"},
        {"GET /api/v1/login?x=/ HTTP/1.1\r\n", "/api/v1/login"},
        {"POST /api/v1/login HTTP/1.1\n", "/api/v1/login"},
        {"GET /api/v1/session HTTP/1.1\r\n\r\n", "/api/v1/session"},
    };
    for (const auto& one : cases) {
        Requests requests;
        put(requests, one.octets);
        [[maybe_unused]] const auto* const next = requests.next();
        EXPECT_EQ(requests.path_asked(), one.path) << one.octets;
    }
}

TEST(RequestsOfAConnection, TellThePathBehindThoseThatAreDone)
{
    Requests requests;
    put(requests, kFirst);
    put(requests, "GET /second HTTP/1.1\r\n\r\n");
    EXPECT_EQ(target_of(requests.next()), "/first");
    requests.done();
    ASSERT_NE(requests.next(), nullptr);
    EXPECT_EQ(requests.path_asked(), "/second");
}

TEST(RequestsOfAConnection, AreForgottenAtTheEnd)
{
    Requests requests;
    put(requests, kFirst);
    put(requests, kSecond);
    EXPECT_EQ(target_of(requests.next()), "/first");
    requests.forget();
    EXPECT_EQ(requests.next(), nullptr);
    EXPECT_TRUE(requests.empty());
}

}  // namespace
}  // namespace securelogin::web
