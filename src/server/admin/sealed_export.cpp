#include "server/admin/sealed_export.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <utility>

#include "common/encoding.hpp"
#include "common/openssl.hpp"

namespace securelogin::admin {
namespace {

constexpr std::size_t kBuffer = ChunkCipher::kChunk + ChunkCipher::kTag + 1;  // octets

using Nonce = std::array<std::uint8_t, 12>;

const unsigned char* octets(const char* text) { return reinterpret_cast<const unsigned char*>(text); }
unsigned char* octets(char* text) { return reinterpret_cast<unsigned char*>(text); }

Nonce nonce_of(std::uint64_t number, bool last)
{
    Nonce nonce{};
    constexpr std::size_t low = 10;  // the number's last octet
    for (std::size_t i = 0; i < sizeof number; ++i)
        nonce.at(low - i) = static_cast<std::uint8_t>(number >> (8 * i));
    nonce.back() = last ? 1 : 0;
    return nonce;
}

CipherPtr start(bool encrypt, const Secret& key, const Nonce& nonce, const std::string& header)
{
    CipherPtr context(EVP_CIPHER_CTX_new());
    int size = 0;
    if (!context ||
        EVP_CipherInit_ex2(context.get(), EVP_aes_256_gcm(), key.bytes().data(), nonce.data(),
                           encrypt ? 1 : 0, nullptr) != 1 ||
        EVP_CipherUpdate(context.get(), nullptr, &size, octets(header.data()),
                         static_cast<int>(header.size())) != 1) {
        throw OpenSslError("starting AES-256-GCM");
    }
    return context;
}

std::uint32_t number_at(std::string_view text)
{
    std::uint32_t number = 0;
    for (const char octet : text.substr(0, sizeof number))
        number = (number << 8U) | static_cast<unsigned char>(octet);
    return number;
}

std::span<const std::uint8_t> salt_in(const std::string& header)
{
    return {octets(header.data()) + kSealedHeader - auth::kPassphraseSalt, auth::kPassphraseSalt};
}

std::string new_header(auth::Random& random, const auth::HashParameters& cost)
{
    std::array<std::uint8_t, auth::kPassphraseSalt> salt{};
    random.fill(salt);
    std::string header(kSealedExport);
    append_big_endian(header, cost.memory_kib);
    append_big_endian(header, cost.passes);
    header.append(salt.begin(), salt.end());
    return header;
}

std::size_t read_fully(const SealedReader::Source& source, std::span<char> to)
{
    std::size_t filled = 0;
    while (filled < to.size()) {
        const auto count = source(to.subspan(filled));
        if (count == 0) break;
        filled += count;
    }
    return filled;
}

/// All of it, or what there is.
std::string read_header(const SealedReader::Source& source)
{
    std::string header(kSealedHeader, '\0');
    header.resize(read_fully(source, header));
    return header;
}

}  // namespace

auth::HashParameters cost_of_key(std::string_view header)
{
    if (header.size() != kSealedHeader || !header.starts_with(kSealedExport))
        throw ExportError("it is not a sealed export");
    const auto numbers = header.substr(kSealedExport.size());
    const auth::HashParameters cost{number_at(numbers), number_at(numbers.substr(4)), 1};
    if (cost.memory_kib < auth::kFloor.memory_kib || cost.memory_kib > auth::kCeiling.memory_kib ||
        cost.passes < auth::kFloor.passes || cost.passes > auth::kCeiling.passes) {
        throw ExportError("it asks for a key that costs too much or too little: it has been changed");
    }
    return cost;
}

void ChunkCipher::seal(std::span<const char> plain, bool last, std::span<char> out)
{
    const auto context = start(true, key_, nonce_of(number_++, last), header_);
    int size = 0;
    if ((!plain.empty() && EVP_CipherUpdate(context.get(), octets(out.data()), &size, octets(plain.data()),
                                            static_cast<int>(plain.size())) != 1) ||
        EVP_CipherFinal_ex(context.get(), octets(out.data()) + plain.size(), &size) != 1 ||  // GCM: nothing
        EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, static_cast<int>(kTag),
                            out.data() + plain.size()) != 1) {
        throw OpenSslError("sealing an export");
    }
}

std::optional<Secret> ChunkCipher::open(std::span<const char> sealed, bool last)
{
    if (sealed.size() < kTag) return std::nullopt;
    const auto context = start(false, key_, nonce_of(number_++, last), header_);
    const auto ciphertext = sealed.first(sealed.size() - kTag);
    std::array<char, kTag> tag{};
    std::ranges::copy(sealed.last(kTag), tag.begin());
    Secret plain(std::max<std::size_t>(ciphertext.size(), 1));
    int size = 0;
    if ((!ciphertext.empty() &&
         EVP_CipherUpdate(context.get(), plain.bytes().data(), &size, octets(ciphertext.data()),
                          static_cast<int>(ciphertext.size())) != 1) ||
        EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, static_cast<int>(kTag), tag.data()) != 1) {
        throw OpenSslError("opening an export");
    }
    std::array<unsigned char, kTag> nothing{};
    if (EVP_CipherFinal_ex(context.get(), nothing.data(), &size) != 1) return std::nullopt;
    plain.truncate(ciphertext.size());
    return plain;
}

SealedWriter::SealedWriter(const Secret& passphrase, auth::Random& random, Sink sink,
                           const auth::HashParameters& cost)
    : sink_(std::move(sink)), chunk_(ChunkCipher::kChunk)
{
    const auto header = new_header(random, cost);
    cipher_.emplace(auth::key_from_passphrase(passphrase, salt_in(header), cost), header);
    sink_(header);
}

void SealedWriter::write(std::string_view plain)
{
    while (!plain.empty()) {
        // A full one is put only when there is more: the last one says that it is the last.
        if (filled_ == chunk_.size()) put(false);
        const auto part = plain.substr(0, chunk_.size() - filled_);
        std::ranges::copy(part, chunk_.chars().begin() + static_cast<std::ptrdiff_t>(filled_));
        filled_ += part.size();
        plain.remove_prefix(part.size());
    }
}

void SealedWriter::finish() { put(true); }

void SealedWriter::put(bool last)
{
    std::string sealed(filled_ + ChunkCipher::kTag, '\0');
    cipher_->seal(std::as_const(chunk_).chars().first(filled_), last, sealed);
    sink_(sealed);
    filled_ = 0;
}

SealedReader::SealedReader(const Secret& passphrase, Source source)
    : source_(std::move(source)), buffer_(kBuffer)
{
    const auto header = read_header(source_);
    const auto cost = cost_of_key(header);
    cipher_.emplace(auth::key_from_passphrase(passphrase, salt_in(header), cost), header);
}

SealedReader::SealedReader(Secret key, std::string header, Source source)
    : source_(std::move(source)), cipher_(std::in_place, std::move(key), std::move(header)), buffer_(kBuffer)
{
}

void SealedReader::fill() { filled_ += read_fully(source_, buffer_.chars().subspan(filled_)); }

std::optional<Secret> SealedReader::next()
{
    if (ended_) return std::nullopt;
    fill();
    const bool last = filled_ < buffer_.size();
    const auto size = last ? filled_ : filled_ - 1;
    auto plain = cipher_->open(std::as_const(buffer_).chars().first(size), last);
    if (!plain) {
        ended_ = true;
        throw ExportError(first_ ? "the passphrase is wrong, or it has been changed"
                                 : "it has been changed, or its end is missing");
    }
    first_ = false;
    ended_ = last;
    if (!last) buffer_.chars().front() = buffer_.chars().back();
    filled_ = last ? 0 : 1;
    return plain;
}

}  // namespace securelogin::admin
