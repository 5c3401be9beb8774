#include "server/auth/phc.hpp"

#include <gtest/gtest.h>

#include <ostream>
#include <string>

namespace securelogin::auth {

void PrintTo(const HashParameters& parameters, std::ostream* out)
{
    *out << "m=" << parameters.memory_kib << ",t=" << parameters.passes << ",p=" << parameters.lanes;
}

namespace {

const std::string kSalt = "c29tZXNhbHRzb21lc2E";                          // 14 bytes
const std::string kHash = "CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";  // 32 bytes
const std::string kFront = "$argon2id$v=19$";

std::string with_cost(const std::string& cost) { return kFront + cost + '$' + kSalt + '$' + kHash; }
std::string with_tail(const std::string& tail) { return kFront + "m=19456,t=2,p=1" + tail; }
/// `bytes` zero bytes in base64.
std::string zeroes(std::size_t bytes) { return std::string((bytes * 4 + 2) / 3, 'A'); }
std::string with_sizes(std::size_t salt, std::size_t hash)
{
    return with_tail('$' + zeroes(salt) + '$' + zeroes(hash));
}

struct GoodCase {
    std::string name;
    std::string phc;
    HashParameters parameters;
};

class WellFormedPhc : public testing::TestWithParam<GoodCase> {};

TEST_P(WellFormedPhc, TellsItsParameters) { EXPECT_EQ(parse_phc(GetParam().phc), GetParam().parameters); }

INSTANTIATE_TEST_SUITE_P(
    Phc, WellFormedPhc,
    testing::Values(GoodCase{"TheFloor", with_cost("m=19456,t=2,p=1"), kFloor},                   //
                    GoodCase{"TheCeiling", with_cost("m=262144,t=16,p=16"), kCeiling},            //
                    GoodCase{"WeakerThanTheFloor", with_cost("m=8,t=1,p=1"), {8, 1, 1}},          //
                    GoodCase{"AsMuchAsItsLanesNeed", with_cost("m=128,t=3,p=16"), {128, 3, 16}},  //
                    GoodCase{"ShortestSalt", with_sizes(8, 32), kFloor},                          //
                    GoodCase{"LongestSalt", with_sizes(48, 32), kFloor},                          //
                    GoodCase{"ShortestHash", with_sizes(16, 16), kFloor},                         //
                    GoodCase{"LongestHash", with_sizes(16, 64), kFloor},                          //
                    GoodCase{"WholeGroups", with_sizes(12, 24), kFloor},                          //
                    GoodCase{"LastBitsInUse", with_tail("$/+AAAAAAAAAAAA8$AAAAAAAAAAAAAAAAAAAAAw"), kFloor}),
    [](const auto& row) { return row.param.name; });

struct BadCase {
    std::string name;
    std::string phc;
};

class MalformedPhc : public testing::TestWithParam<BadCase> {};

TEST_P(MalformedPhc, IsRefused) { EXPECT_EQ(parse_phc(GetParam().phc), std::nullopt); }

INSTANTIATE_TEST_SUITE_P(
    Phc, MalformedPhc,
    testing::Values(
        BadCase{"Empty", ""}, BadCase{"OnlyTheType", "$argon2id"},
        BadCase{"OtherType_i", "$argon2i$v=19$m=19456,t=2,p=1$" + kSalt + '$' + kHash},
        BadCase{"OtherType_d", "$argon2d$v=19$m=19456,t=2,p=1$" + kSalt + '$' + kHash},
        BadCase{"OtherScheme", "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW"},
        BadCase{"OldVersion", "$argon2id$v=16$m=19456,t=2,p=1$" + kSalt + '$' + kHash},
        BadCase{"NoVersion", "$argon2id$m=19456,t=2,p=1$" + kSalt + '$' + kHash},
        BadCase{"LongerVersion", "$argon2id$v=190$m=19456,t=2,p=1$" + kSalt + '$' + kHash},
        BadCase{"Capitals", "$ARGON2ID$v=19$m=19456,t=2,p=1$" + kSalt + '$' + kHash},
        BadCase{"BlankBefore", ' ' + with_cost("m=19456,t=2,p=1")},
        BadCase{"BlankAfter", with_cost("m=19456,t=2,p=1") + ' '},
        BadCase{"LineFeedAfter", with_cost("m=19456,t=2,p=1") + '\n'},
        BadCase{"NulAfter", with_cost("m=19456,t=2,p=1") + '\0'},
        BadCase{"OtherOrder", with_cost("t=2,m=19456,p=1")},
        BadCase{"MissingParameter", with_cost("m=19456,t=2")},
        BadCase{"ParameterTwice", with_cost("m=19456,t=2,p=1,p=1")},
        BadCase{"MemoryTwice", with_cost("m=19456,m=19456,t=2,p=1")},
        BadCase{"UnknownParameter", with_cost("m=19456,t=2,p=1,data=AAAA")},
        BadCase{"KeyId", with_cost("m=19456,t=2,p=1,keyid=AAAA")},
        BadCase{"NoNumber", with_cost("m=,t=2,p=1")}, BadCase{"Nought_m", with_cost("m=0,t=2,p=1")},
        BadCase{"Nought_t", with_cost("m=19456,t=0,p=1")}, BadCase{"Nought_p", with_cost("m=19456,t=2,p=0")},
        BadCase{"LeadingZero_m", with_cost("m=019456,t=2,p=1")},
        BadCase{"LeadingZero_t", with_cost("m=19456,t=02,p=1")},
        BadCase{"LeadingZero_p", with_cost("m=19456,t=2,p=01")},
        BadCase{"Plus", with_cost("m=+19456,t=2,p=1")}, BadCase{"Minus", with_cost("m=-19456,t=2,p=1")},
        BadCase{"BlankInNumber", with_cost("m= 19456,t=2,p=1")},
        BadCase{"Hexadecimal", with_cost("m=0x4c00,t=2,p=1")},
        BadCase{"Fraction", with_cost("m=19456.0,t=2,p=1")},
        BadCase{"MemoryBeyondTheCeiling", with_cost("m=262145,t=2,p=1")},
        BadCase{"PassesBeyondTheCeiling", with_cost("m=19456,t=17,p=1")},
        BadCase{"LanesBeyondTheCeiling", with_cost("m=19456,t=2,p=17")},
        BadCase{"LessThanItsLanesNeed", with_cost("m=127,t=2,p=16")},
        BadCase{"LessThanOneLaneNeeds", with_cost("m=7,t=2,p=1")},
        BadCase{"WrapsToTheFloor_m", with_cost("m=4294986752,t=2,p=1")},
        BadCase{"WrapsToTheFloor_t", with_cost("m=19456,t=4294967298,p=1")},
        BadCase{"WrapsIn64Bits", with_cost("m=18446744073709571072,t=2,p=1")},
        BadCase{"NoSaltNoHash", with_tail("")}, BadCase{"NoHash", with_tail('$' + kSalt)},
        BadCase{"EmptyHash", with_tail('$' + kSalt + '$')}, BadCase{"EmptySalt", with_tail("$$" + kHash)},
        BadCase{"SaltTooShort", with_sizes(7, 32)}, BadCase{"SaltTooLong", with_sizes(49, 32)},
        BadCase{"HashTooShort", with_sizes(16, 15)}, BadCase{"HashTooLong", with_sizes(16, 65)},
        BadCase{"FourthPart", with_tail('$' + kSalt + '$' + kHash + "$AAAA")},
        BadCase{"DollarAtTheEnd", with_tail('$' + kSalt + '$' + kHash + '$')},
        BadCase{"PaddedSalt", with_tail("$AAAAAAAAAAAAAAAAAAAAAA==$" + kHash)},
        BadCase{"PaddedHash", with_tail('$' + kSalt + '$' + kHash + '=')},
        BadCase{"UrlAlphabet", with_tail('$' + kSalt + "$-_AAAAAAAAAAAAAAAAAAAA")},
        BadCase{"OneSymbolTooMany", with_tail("$AAAAAAAAAAAAA$" + kHash)},
        BadCase{"TwoBitsThatBelongToNoByte", with_tail("$AAAAAAAAAAB$" + kHash)},
        BadCase{"FourBitsThatBelongToNoByte", with_tail('$' + kSalt + "$AAAAAAAAAAAAAAAAAAAAAB")},
        BadCase{"UmlautInHash", with_tail('$' + kSalt + "$AAAAAAAAAAAAAAAAAAAA\xC3\xBC")}),
    [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace securelogin::auth
