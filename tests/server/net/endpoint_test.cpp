#include "server/net/endpoint.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

namespace securelogin::net {
namespace {

TEST(Endpoint, WhatIsWrittenIsWhatIsListenedOn)
{
    for (const std::string text :
         {"127.0.0.1:9999", "0.0.0.0:0", "[::1]:9999", "[::]:65535", "192.0.2.7:1"}) {
        const auto endpoint = parse_tls_endpoint(text);
        EXPECT_EQ(to_string(endpoint.address), text);
        EXPECT_TRUE(endpoint.tls);
        EXPECT_FALSE(endpoint.unix_path);
    }
    for (const std::string text :
         {"127.0.0.1:9998", "127.3.2.1:9998", "[::1]:9998", "unix:/run/login.sock"}) {
        const auto endpoint = parse_plain_endpoint(text);
        EXPECT_EQ(to_string(endpoint.address), text);
        EXPECT_FALSE(endpoint.tls);
    }
    EXPECT_EQ(parse_plain_endpoint("unix:/run/login.sock").unix_path, "/run/login.sock");
}

TEST(Endpoint, MistakesAreRefused)
{
    for (const std::string text :
         {"", "127.0.0.1", "127.0.0.1:", ":9999", "127.0.0.1:port", "127.0.0.1:65536", "127.0.0.1:-1",
          "127.0.0.1:99 ", "localhost:9999", "::1:9999", "[127.0.0.1]:9999", "[::1]", "[::1]9999",
          "256.0.0.1:1", "unix:/run/x", "[]:1"}) {
        EXPECT_THROW(static_cast<void>(parse_tls_endpoint(text)), std::invalid_argument) << text;
    }
    for (const std::string text :
         {"0.0.0.0:9999", "192.0.2.7:9999", "[::]:9999", "[2001:db8::1]:9999", "unix:", "localhost:1"}) {
        EXPECT_THROW(static_cast<void>(parse_plain_endpoint(text)), std::invalid_argument) << text;
    }
    EXPECT_THROW(static_cast<void>(parse_plain_endpoint("unix:/" + std::string(200, 'x'))),
                 std::invalid_argument);
}

TEST(Endpoint, MistakesNameTheRemedy)
{
    try {
        static_cast<void>(parse_plain_endpoint("192.0.2.7:9999"));
        FAIL();
    } catch (const std::invalid_argument& error) {
        EXPECT_NE(std::string(error.what()).find("use --listen"), std::string::npos) << error.what();
    }
}

TEST(Endpoint, PeersCountByTheirSource)
{
    EXPECT_EQ(source_of(parse_tls_endpoint("192.0.2.7:1234").address).bucket(), "192.0.2.7");
    EXPECT_EQ(source_of(parse_tls_endpoint("[2001:db8::1]:1234").address).address(), "2001:db8::1");
    EXPECT_EQ(source_of(parse_plain_endpoint("unix:/run/x").address).bucket(), "local");
}

}  // namespace
}  // namespace securelogin::net
