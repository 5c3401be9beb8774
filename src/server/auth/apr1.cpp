#include "server/auth/apr1.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "common/openssl.hpp"

namespace securelogin::auth {
namespace {

constexpr std::string_view kApr1Prefix = "$apr1$";
constexpr int kRounds = 1000;
constexpr std::size_t kDigestSize = 16;  // bytes: MD5
constexpr std::size_t kTextSize = 22;    // characters
constexpr std::size_t kWholeGroups = 5;  // of three bytes, four characters each
constexpr unsigned kSymbolBits = 6;      // of a character
constexpr std::string_view kAlphabet = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

class Md5 {
  public:
    using Digest = std::array<unsigned char, kDigestSize>;

    Md5() : algorithm_(EVP_MD_fetch(nullptr, "MD5", nullptr)), context_(EVP_MD_CTX_new())
    {
        if (!algorithm_ || !context_) throw OpenSslError("finding MD5");
    }
    Md5& start()
    {
        require(EVP_DigestInit_ex2(context_.get(), algorithm_.get(), nullptr));
        return *this;
    }
    Md5& add(std::string_view octets)
    {
        require(octets.empty() ? 1 : EVP_DigestUpdate(context_.get(), octets.data(), octets.size()));
        return *this;
    }
    Md5& add(const Digest& digest, std::size_t size = kDigestSize)
    {
        require(EVP_DigestUpdate(context_.get(), digest.data(), size));
        return *this;
    }
    void finish(Digest& digest) { require(EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr)); }

  private:
    static void require(int success)
    {
        if (success != 1) throw OpenSslError("computing MD5");
    }
    std::unique_ptr<EVP_MD, OpenSslFree<EVP_MD_free>> algorithm_;
    std::unique_ptr<EVP_MD_CTX, OpenSslFree<EVP_MD_CTX_free>> context_;
};

void first_round(Md5& md5, std::string_view password, std::string_view salt, Md5::Digest& digest)
{
    md5.start().add(password).add(salt).add(password).finish(digest);
    md5.start().add(password).add(kApr1Prefix).add(salt);
    for (auto left = password.size(); left > 0; left -= std::min(left, kDigestSize)) {
        md5.add(digest, std::min(left, kDigestSize));
    }
    constexpr std::string_view nought("\0", 1);
    for (auto bits = password.size(); bits != 0; bits >>= 1U) {
        md5.add((bits & 1U) != 0 ? nought : password.substr(0, 1));
    }
    md5.finish(digest);
}

void further_rounds(Md5& md5, std::string_view password, std::string_view salt, Md5::Digest& digest)
{
    constexpr int salted = 3;  // every round but each third
    constexpr int again = 7;   // every round but each seventh
    for (int round = 0; round < kRounds; ++round) {
        const bool odd = round % 2 == 1;
        md5.start();
        odd ? md5.add(password) : md5.add(digest);
        if (round % salted != 0) md5.add(salt);
        if (round % again != 0) md5.add(password);
        odd ? md5.add(digest) : md5.add(password);
        md5.finish(digest);
    }
}

Secret to_text(const Md5::Digest& digest)
{
    Secret text(kTextSize);
    auto out = text.chars().begin();
    const auto put = [&](unsigned value, std::size_t characters) {
        for (; characters > 0; --characters, value >>= kSymbolBits)
            *out++ = kAlphabet[value & ((1U << kSymbolBits) - 1)];
    };
    for (std::size_t i = 0; i < kWholeGroups; ++i) {
        const auto third = i + 2 * (kWholeGroups + 1);
        const unsigned last = digest.at(third < kDigestSize ? third : kWholeGroups);
        put((unsigned{digest.at(i)} << 16U) | (unsigned{digest.at(i + kWholeGroups + 1)} << 8U) | last, 4);
    }
    put(digest.at(11), 2);  // the one that is left
    return text;
}

}  // namespace

Secret apr1_digest(const Secret& password, std::string_view salt)
{
    Md5 md5;
    Md5::Digest digest{};
    first_round(md5, password.view(), salt, digest);
    further_rounds(md5, password.view(), salt, digest);
    auto text = to_text(digest);
    wipe({reinterpret_cast<char*>(digest.data()), digest.size()});
    return text;
}

}  // namespace securelogin::auth
