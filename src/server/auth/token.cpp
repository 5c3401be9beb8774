#include "server/auth/token.hpp"

#include <algorithm>
#include <array>

#include "common/openssl.hpp"

namespace securelogin::auth {
namespace {

constexpr std::string_view kTokenPrefix = "slt_";
constexpr std::string_view kBase64Url = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::size_t kTokenBits = 256;
static_assert(kTokenLength == kTokenPrefix.size() + (kTokenBits + 5) / 6);

}  // namespace

Secret new_token(Random& random)
{
    Secret bits(kTokenBits / 8);
    random.fill(bits.bytes());
    Secret token(kTokenLength);
    auto out = std::ranges::copy(kTokenPrefix, token.chars().begin()).out;
    std::uint32_t waiting = 0;  // the low `held` bits are still to be written
    unsigned held = 0;
    for (const auto byte : bits.bytes()) {
        waiting = (waiting << 8U) | byte;
        for (held += 8; held >= 6; held -= 6) *out++ = kBase64Url[(waiting >> (held - 6)) & 0x3FU];
    }
    *out = kBase64Url[(waiting << (6 - held)) & 0x3FU];
    return token;
}

bool is_token(std::string_view text) noexcept
{
    static constexpr auto kIsSymbol = [] {
        std::array<bool, 256> symbols{};
        for (const char c : kBase64Url) symbols[static_cast<unsigned char>(c)] = true;
        return symbols;
    }();
    const auto is_symbol = [](char c) { return kIsSymbol[static_cast<unsigned char>(c)]; };
    return text.size() == kTokenLength && text.starts_with(kTokenPrefix) &&
           std::ranges::all_of(text, is_symbol);
}

void TokenHasher::Free::operator()(evp_md_st* digest) const noexcept { EVP_MD_free(digest); }
void TokenHasher::Free::operator()(evp_md_ctx_st* context) const noexcept { EVP_MD_CTX_free(context); }

TokenHasher::TokenHasher() : sha256_(EVP_MD_fetch(nullptr, "SHA256", nullptr)), context_(EVP_MD_CTX_new())
{
    if (!sha256_ || !context_) throw OpenSslError("preparing to hash tokens");
}

TokenHash TokenHasher::operator()(std::string_view token)
{
    TokenHash hash{};
    if (EVP_DigestInit_ex2(context_.get(), sha256_.get(), nullptr) != 1 ||
        EVP_DigestUpdate(context_.get(), token.data(), token.size()) != 1 ||
        EVP_DigestFinal_ex(context_.get(), hash.data(), nullptr) != 1) {
        throw OpenSslError("hashing a token");
    }
    return hash;
}

}  // namespace securelogin::auth
