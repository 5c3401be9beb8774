#include "server/auth/source.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace securelogin::auth {
namespace {

using namespace std::string_view_literals;

struct SourceCase {
    std::string name;
    std::string_view given;
    std::string address;
    std::string bucket;
};

class FromAddress : public testing::TestWithParam<SourceCase> {};

TEST_P(FromAddress, TellsAddressAndBucket)
{
    const auto& row = GetParam();
    const auto source = Source::from_address(row.given);
    EXPECT_EQ(source.address(), row.address);
    EXPECT_EQ(source.bucket(), row.bucket);
}

// clang-format off
INSTANTIATE_TEST_SUITE_P(
    Source, FromAddress,
    testing::Values(
        //         name                       given                              address          bucket
        SourceCase{"IPv4",                    "192.0.2.7",                       "192.0.2.7",     "192.0.2.7"},
        SourceCase{"IPv4Loopback",            "127.0.0.1",                       "127.0.0.1",     "127.0.0.1"},
        SourceCase{"MappedIsIPv4",            "::ffff:192.0.2.7",                "192.0.2.7",     "192.0.2.7"},
        SourceCase{"MappedInHexadecimal",     "::FFFF:C000:207",                 "192.0.2.7",     "192.0.2.7"},
        SourceCase{"MappedWithZone",          "::ffff:192.0.2.7%lo",             "192.0.2.7",     "192.0.2.7"},
        SourceCase{"IPv6",                    "2001:db8::1",                     "2001:db8::1",   "2001:db8::/64"},
        SourceCase{"IPv6OneSpelling",         "2001:0DB8:0:0:0:0:0:1",           "2001:db8::1",   "2001:db8::/64"},
        SourceCase{"IPv6Subnet",              "2001:db8:0:1:ffff:ffff:ffff:ffff",
                   "2001:db8:0:1:ffff:ffff:ffff:ffff",                                            "2001:db8:0:1::/64"},
        SourceCase{"IPv6LastBitOfTheSubnet",  "2001:db8:7:ffff::",               "2001:db8:7:ffff::", "2001:db8:7:ffff::/64"},
        SourceCase{"IPv6Loopback",            "::1",                             "::1",           "::/64"},
        SourceCase{"IPv6ZoneIsDropped",       "fe80::1%eth0",                    "fe80::1",       "fe80::/64"},
        SourceCase{"IPv6EmptyZone",           "fe80::1%",                        "fe80::1",       "fe80::/64"},
        SourceCase{"CompatibleIsNotMapped",   "::192.0.2.7",                     "::192.0.2.7",   "::/64"}),
    [](const auto& row) { return row.param.name; });
// clang-format on

// clang-format off
INSTANTIATE_TEST_SUITE_P(
    Garbage, FromAddress,
    testing::Values(
        SourceCase{"Empty",           "",                      "local", "local"},
        SourceCase{"UnixSocket",      "/run/securelogin.sock", "local", "local"},
        SourceCase{"Name",            "localhost",             "local", "local"},
        SourceCase{"ThreeParts",      "192.0.2",               "local", "local"},
        SourceCase{"OneNumber",       "3221225991",            "local", "local"},
        SourceCase{"LeadingZero",     "192.0.02.7",            "local", "local"},
        SourceCase{"TooLarge",        "192.0.2.256",           "local", "local"},
        SourceCase{"WithPort",        "192.0.2.7:9999",        "local", "local"},
        SourceCase{"WithBlank",       "192.0.2.7 ",            "local", "local"},
        SourceCase{"IPv4WithZone",    "192.0.2.7%eth0",        "local", "local"},
        SourceCase{"InBrackets",      "[2001:db8::1]",         "local", "local"},
        SourceCase{"TwoGaps",         "2001::db8::1",          "local", "local"},
        SourceCase{"NineParts",       "1:2:3:4:5:6:7:8:9",     "local", "local"},
        SourceCase{"OnlyAZone",       "%eth0",                 "local", "local"},
        SourceCase{"BehindANul",      "192.0.2.7\0x"sv,        "local", "local"},
        SourceCase{"IPv6BehindANul",  "2001:db8::1\0x"sv,      "local", "local"}),
    [](const auto& row) { return row.param.name; });
// clang-format on

TEST(Source, ANetworkIsASiteInIPv6AndTheSourceItselfElsewhere)
{
    EXPECT_EQ(Source::from_address("2001:db8:7:1::1").network(), "2001:db8:7::/48");
    EXPECT_EQ(Source::from_address("2001:db8:7:ffff::1").network(), "2001:db8:7::/48");
    EXPECT_EQ(Source::from_address("2001:db8:8:1::1").network(), "2001:db8:8::/48");
    EXPECT_EQ(Source::from_address("192.0.2.7").network(), "192.0.2.7");
    EXPECT_EQ(Source::from_address("::ffff:192.0.2.7").network(), "192.0.2.7");
    EXPECT_EQ(Source::from_address("/run/securelogin.sock").network(), "local");
    EXPECT_EQ(Source::of_device("x").network(), "device:x");
}

}  // namespace
}  // namespace securelogin::auth
