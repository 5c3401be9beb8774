#include "server/auth/otpauth_uri.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <variant>

namespace securelogin::auth {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kOctets = "12345678901234567890";  // RFC 6238, appendix B
const std::string kBase32 = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

struct GoodUri {
    std::string name;
    std::string uri;
    TotpParameters parameters = {};
};

class OtpauthUri : public testing::TestWithParam<GoodUri> {};

TEST_P(OtpauthUri, IsRead)
{
    const auto key = parse_otpauth_uri(GetParam().uri);
    ASSERT_TRUE(std::holds_alternative<TotpKey>(key)) << std::get<std::string>(key);
    EXPECT_EQ(std::get<TotpKey>(key).secret.view(), kOctets);
    EXPECT_EQ(std::get<TotpKey>(key).parameters, GetParam().parameters);
}

std::string uri(const std::string& parameters) { return "otpauth://totp/Example:alice?" + parameters; }
std::string with_secret(const std::string& more) { return uri("secret=" + kBase32 + more); }

INSTANTIATE_TEST_SUITE_P(
    Otpauth, OtpauthUri,
    testing::Values(GoodUri{"Defaults", with_secret("")},  //
                    GoodUri{"Issuer",
                            with_secret("&issuer=Example%20Inc&image=https%3A%2F%2Fexample.org")},  //
                    GoodUri{"IssuerFirst", uri("issuer=Example&secret=" + kBase32)},                //
                    GoodUri{"AllParameters",
                            with_secret("&algorithm=SHA512&digits=8&period=60"),
                            {TotpAlgorithm::sha512, 8, 60s}},
                    GoodUri{"SmallLetters",
                            uri("SECRET=gezdgnbvgy3tqojqgezdgnbvgy3tqojq&Algorithm=sha256"),
                            {TotpAlgorithm::sha256, 6, 30s}},
                    GoodUri{"Padded", with_secret("%3D%3D")},                               //
                    GoodUri{"Groups", uri("secret=GEZD%20GNBV-GY3TQOJQGEZDGNBVGY3TQOJQ")},  //
                    GoodUri{"NoLabel", "otpauth://totp/?secret=" + kBase32},                //
                    GoodUri{"SchemeInCapitals", "OTPAUTH://TOTP/alice?secret=" + kBase32},  //
                    GoodUri{"EmptyParameter", with_secret("&&flag&")}),
    [](const auto& row) { return row.param.name; });

TEST(OtpauthUriOfOurs, IsReadBack)
{
    const TotpParameters parameters{TotpAlgorithm::sha256, 8, 45s};
    const auto written = key_uri("My Login", "alice", Secret::copy_of(kOctets), parameters);
    const auto key = parse_otpauth_uri(written.view());
    ASSERT_TRUE(std::holds_alternative<TotpKey>(key));
    EXPECT_EQ(std::get<TotpKey>(key).secret.view(), kOctets);
    EXPECT_EQ(std::get<TotpKey>(key).parameters, parameters);
}

struct BadUri {
    std::string name;
    std::string uri;
    std::string why;  // a part of it
};

class OtpauthUriRefused : public testing::TestWithParam<BadUri> {};

TEST_P(OtpauthUriRefused, SaysWhyAndNothingOfTheSecret)
{
    const auto key = parse_otpauth_uri(GetParam().uri);
    ASSERT_TRUE(std::holds_alternative<std::string>(key));
    const auto& why = std::get<std::string>(key);
    EXPECT_NE(why.find(GetParam().why), std::string::npos) << why;
    EXPECT_EQ(why.find("GEZD"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(
    Otpauth, OtpauthUriRefused,
    testing::Values(BadUri{"Empty", "", "not an otpauth"},                                            //
                    BadUri{"Base32", kBase32, "not an otpauth"},                                      //
                    BadUri{"OtherScheme", "https://totp/alice?secret=" + kBase32, "not an otpauth"},  //
                    BadUri{"NoParameters", "otpauth://totp/alice", "with parameters"},                //
                    BadUri{"Hotp", "otpauth://hotp/alice?secret=" + kBase32 + "&counter=0",
                           "counter-based"},                                              //
                    BadUri{"NoSecret", uri("issuer=Example"), "without a secret"},        //
                    BadUri{"EmptySecret", uri("secret="), "shorter"},                     //
                    BadUri{"ShortSecret", uri("secret=GEZDGNBVGY3TQ"), "shorter"},        //
                    BadUri{"SixtyFourBits", uri("secret=GEZDGNBVGY3TQ==="), "shorter"},   //
                    BadUri{"SeventyTwoBits", uri("secret=GEZDGNBVGY3TQOI="), "shorter"},  //
                    BadUri{"BitsOfNoByte", uri("secret=GEZDGNBVGY3TQOJQGEZDGNBVGZ"), "base32"},
                    BadUri{"LongSecret", uri("secret=" + std::string(208, 'A')), "longer"},             //
                    BadUri{"NotBase32", uri("secret=GEZDGNBVGY3TQOJQ0EZDGNBVGY3TQOJ1"), "base32"},      //
                    BadUri{"PaddingInside", uri("secret=GEZDGNBV=GY3TQOJQGEZDGNBVGY3TQOJ"), "base32"},  //
                    BadUri{"TwoSecrets", with_secret("&secret=" + kBase32), "two values"},              //
                    BadUri{"TwoPeriods", with_secret("&period=30&period=30"), "two values"},            //
                    BadUri{"Md5", with_secret("&algorithm=MD5"), "algorithm"},                          //
                    BadUri{"NoAlgorithm", with_secret("&algorithm="), "algorithm"},                     //
                    BadUri{"SevenDigits", with_secret("&digits=7"), "digits"},                          //
                    BadUri{"DigitsAndMore", with_secret("&digits=6x"), "digits"},                       //
                    BadUri{"PeriodTooShort", with_secret("&period=9"), "period"},                       //
                    BadUri{"PeriodTooLong", with_secret("&period=301"), "period"},                      //
                    BadUri{"PeriodNegative", with_secret("&period=-30"), "period"},                     //
                    BadUri{"PeriodHuge", with_secret("&period=99999999999"), "period"},                 //
                    BadUri{"PercentAtTheEnd", uri("secret=" + kBase32 + "%"), "percent"},               //
                    BadUri{"PercentAndOneDigit", uri("secret=" + kBase32 + "%3"), "percent"},           //
                    BadUri{"PercentAndNoDigits", uri("secret=" + kBase32 + "%zz"), "percent"},          //
                    BadUri{"TooLong", with_secret("&image=" + std::string(5000, 'x')), "too long"}),
    [](const auto& row) { return row.param.name; });

TEST(Base32Key, IsReadAsProgramsKeepIt)
{
    for (const auto& text : {kBase32, std::string("gezd gnbv gy3t qojq gezd gnbv gy3t qojq")}) {
        const auto key = parse_base32_key(text);
        ASSERT_TRUE(std::holds_alternative<TotpKey>(key)) << text;
        EXPECT_EQ(std::get<TotpKey>(key).secret.view(), kOctets);
        EXPECT_EQ(std::get<TotpKey>(key).parameters, TotpParameters{});
    }
    EXPECT_TRUE(std::holds_alternative<TotpKey>(parse_base32_key("GEZDGNBVGY3TQOJQ"))) << "80 bits";
    for (const auto* const text : {"", "GEZDGNBV", "secret", "JBSWY3DPEHPK3PX1"})
        EXPECT_TRUE(std::holds_alternative<std::string>(parse_base32_key(text))) << text;
}

}  // namespace
}  // namespace securelogin::auth
