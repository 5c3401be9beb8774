#include "server/auth/hmac.hpp"

#include <gtest/gtest.h>

#include <string>

#include "common/openssl.hpp"

namespace securelogin::auth {
namespace {

std::string hex(const Hmac::Code& code)
{
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (const auto byte : code) {
        text += digits[byte >> 4U];
        text += digits[byte & 0xFU];
    }
    return text;
}

struct Vector {
    const char* name;
    std::string key;
    std::string message;
    const char* code;
};

class HmacOfRfc4231 : public testing::TestWithParam<Vector> {};

TEST_P(HmacOfRfc4231, IsAsPrinted)
{
    const Hmac hmac(Secret::copy_of(GetParam().key));
    EXPECT_EQ(hex(hmac(GetParam().message)), GetParam().code);
    EXPECT_EQ(hex(hmac(GetParam().message)), GetParam().code) << "a message leaves nothing behind";
    const Hmac copy(hmac);
    EXPECT_EQ(hex(copy(GetParam().message)), GetParam().code);
}

INSTANTIATE_TEST_SUITE_P(
    Section4, HmacOfRfc4231,
    testing::Values(Vector{"One", std::string(20, '\x0b'), "Hi There",
                           "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
                    Vector{"Two", "Jefe", "what do ya want for nothing?",
                           "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
                    Vector{"Three", std::string(20, '\xaa'), std::string(50, '\xdd'),
                           "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
                    Vector{"Six", std::string(131, '\xaa'),
                           "Test Using Larger Than Block-Size Key - Hash Key First",
                           "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"}),
    [](const auto& vector) { return std::string(vector.param.name); });

}  // namespace
}  // namespace securelogin::auth
