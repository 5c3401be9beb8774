#include "server/store/seal.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "tests/server/store/test_store.hpp"

namespace securelogin::store {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr SealedPlace kAlice{
    .table = "users", .column = "password_hash", .user_id = 17, .user_name = "alice"};
constexpr std::size_t kOverhead = 4 + 12 + 16;  // key id, nonce, tag

std::string opened(const Sealer& sealer, std::span<const std::uint8_t> sealed, const SealedPlace& place)
{
    try {
        return std::string(sealer.open(sealed, place).view());
    } catch (const SealError& error) {
        return std::string("refused: ") + error.what();
    }
}

TEST(Seal, OpensAsItWasSealed)
{
    const Sealer sealer(master_key());
    for (const auto& text : {std::string("$argon2id$v=19$..."), std::string(), std::string("\0\xFF", 2),
                             std::string(4096, 'x')}) {
        const auto sealed = sealer.seal(Secret::copy_of(text), kAlice);
        EXPECT_EQ(sealed.size(), text.size() + kOverhead);
        EXPECT_EQ(opened(sealer, sealed, kAlice), text);
        EXPECT_EQ(opened(Sealer(master_key()), sealed, kAlice), text);
    }
}

TEST(Seal, StartsWithTheKeyIdAndHidesTheValue)
{
    const Sealer sealer(master_key());
    const auto sealed = sealer.seal(Secret::copy_of("the value"), kAlice);
    const std::uint32_t id = sealer.key_id();
    EXPECT_EQ(
        std::vector<std::uint8_t>(sealed.begin(), sealed.begin() + 4),
        (std::vector<std::uint8_t>{static_cast<std::uint8_t>(id >> 24U), static_cast<std::uint8_t>(id >> 16U),
                                   static_cast<std::uint8_t>(id >> 8U), static_cast<std::uint8_t>(id)}));
    EXPECT_THAT(std::string(sealed.begin(), sealed.end()), Not(HasSubstr("value")));
}

TEST(Seal, NeverTheSameTwice)
{
    const Sealer sealer(master_key());
    std::set<SealedValue> values;
    for (int i = 0; i < 100; ++i) values.insert(sealer.seal(Secret::copy_of("the value"), kAlice));
    EXPECT_EQ(values.size(), 100U);
}

TEST(Seal, NeverTheSameTwiceWithNoncesDrawnInBulk)
{
    const Sealer sealer(master_key());
    Nonces nonces;
    std::set<SealedValue> starts;  // key id and nonce
    for (int i = 0; i < 1000; ++i) {
        const auto sealed = sealer.seal(Secret::copy_of("the value"), kAlice, nonces);
        EXPECT_EQ(opened(sealer, sealed, kAlice), "the value");
        starts.emplace(sealed.begin(), sealed.begin() + 16);
    }
    EXPECT_EQ(starts.size(), 1000U);
}

struct OtherPlace {
    std::string name;
    SealedPlace place;
};

class SealedElsewhere : public testing::TestWithParam<OtherPlace> {};

TEST_P(SealedElsewhere, DoesNotOpen)
{
    const Sealer sealer(master_key());
    const auto sealed = sealer.seal(Secret::copy_of("the value"), kAlice);
    EXPECT_THAT(opened(sealer, sealed, GetParam().place), HasSubstr("refused: "));
    EXPECT_THAT(opened(sealer, sealed, GetParam().place), HasSubstr("altered or moved"));
}

INSTANTIATE_TEST_SUITE_P(Places, SealedElsewhere,
                         testing::Values(OtherPlace{"AnotherTable", {"totp", "password_hash", 17, "alice"}},
                                         OtherPlace{"AnotherColumn", {"users", "secret", 17, "alice"}},
                                         OtherPlace{"AnotherUserId", {"users", "password_hash", 18, "alice"}},
                                         OtherPlace{"AnotherUserName", {"users", "password_hash", 17, "bob"}},
                                         OtherPlace{"NoUserName", {"users", "password_hash", 17, ""}},
                                         OtherPlace{"TheSameLettersDividedOtherwise",
                                                    {"user", "spassword_hash", 17, "alice"}}),
                         [](const auto& row) { return row.param.name; });

TEST(Seal, AnyAlteredOctetIsRefused)
{
    const Sealer sealer(master_key());
    const auto sealed = sealer.seal(Secret::copy_of("the value"), kAlice);
    for (std::size_t i = 0; i < sealed.size(); ++i) {
        auto altered = sealed;
        altered[i] ^= 1U;
        EXPECT_THAT(opened(sealer, altered, kAlice), HasSubstr("refused: users.password_hash of alice")) << i;
    }
}

TEST(Seal, AnythingCutOffOrAddedIsRefused)
{
    const Sealer sealer(master_key());
    auto sealed = sealer.seal(Secret::copy_of("the value"), kAlice);
    for (std::size_t size = 0; size < sealed.size(); ++size) {
        EXPECT_THAT(opened(sealer, std::span(sealed).first(size), kAlice), HasSubstr("refused: ")) << size;
    }
    sealed.push_back(0);
    EXPECT_THAT(opened(sealer, sealed, kAlice), HasSubstr("refused: "));
}

TEST(Seal, AnotherKeyIsToldAsSuch)
{
    const auto sealed = Sealer(master_key('k')).seal(Secret::copy_of("the value"), kAlice);
    EXPECT_THAT(opened(Sealer(master_key('l')), sealed, kAlice), HasSubstr("another master key"));
}

TEST(Seal, AForgedKeyIdDoesNotHelp)
{
    const Sealer other(master_key('l'));
    auto sealed = Sealer(master_key('k')).seal(Secret::copy_of("the value"), kAlice);
    const auto own = other.seal(Secret::copy_of("the value"), kAlice);
    std::copy_n(own.begin(), 4, sealed.begin());
    EXPECT_THAT(opened(other, sealed, kAlice), HasSubstr("altered or moved"));
}

}  // namespace
}  // namespace securelogin::store
