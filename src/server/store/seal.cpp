#include "server/store/seal.hpp"

#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "common/encoding.hpp"

namespace securelogin::store {
namespace {

constexpr std::size_t kKeyIdSize = 4;
constexpr std::size_t kNonceSize = std::tuple_size_v<Nonces::Nonce>;
constexpr std::size_t kTagSize = 16;
constexpr std::size_t kHeaderSize = kKeyIdSize + kNonceSize;

void draw(unsigned char* octets, std::size_t size)
{
    if (RAND_bytes(octets, static_cast<int>(size)) != 1) throw OpenSslError("drawing a nonce");
}

std::string additional_data(const SealedPlace& place, std::uint32_t key_id)
{
    std::string data;
    append_field(data, place.table);
    append_field(data, place.column);
    append_big_endian(data, static_cast<std::uint64_t>(place.user_id));
    append_field(data, place.user_name);
    append_big_endian(data, key_id);
    return data;
}

const unsigned char* octets(const std::string& text)
{
    return reinterpret_cast<const unsigned char*>(text.data());
}

std::uint32_t read_key_id(std::span<const std::uint8_t> sealed)
{
    std::uint32_t id = 0;
    for (const auto byte : sealed.first(kKeyIdSize)) id = (id << 8U) | byte;
    return id;
}

std::string name_of(const SealedPlace& place)
{
    std::string name = std::string(place.table) + "." + std::string(place.column);
    if (!place.user_name.empty()) name += " of " + std::string(place.user_name);
    return name;
}

}  // namespace

std::optional<std::uint32_t> key_id_of(std::span<const std::uint8_t> sealed)
{
    if (sealed.size() < kHeaderSize + kTagSize) return std::nullopt;
    return read_key_id(sealed);
}

Nonces::Nonce Nonces::next()
{
    if (left_ == 0) {
        draw(drawn_.front().data(), sizeof drawn_);
        left_ = drawn_.size();
    }
    return drawn_.at(--left_);
}

class Sealer::Contexts {
  public:
    Contexts()
    {
        for (auto& each : idle) each.reserve(kMostIdle);
    }

    std::mutex mutex;
    std::array<std::vector<CipherPtr>, 2> idle;  // by direction; guarded

  private:
    static constexpr std::size_t kMostIdle = 8;
};

Sealer::Sealer(const auth::MasterKey& master)
    : cipher_(EVP_CIPHER_fetch(nullptr, "AES-256-GCM",
                               nullptr)),  // once: looking it up costs as much as using it
      key_(master.derive("database seal")),
      key_id_(master.id()),
      contexts_(std::make_unique<Contexts>())
{
    if (!cipher_) throw OpenSslError("finding AES-256-GCM");
}

Sealer::~Sealer() = default;

CipherPtr Sealer::take(Direction direction) const
{
    {
        const std::lock_guard lock(contexts_->mutex);
        auto& idle = contexts_->idle.at(static_cast<std::size_t>(direction));
        if (!idle.empty()) {
            auto context = std::move(idle.back());
            idle.pop_back();
            return context;
        }
    }
    CipherPtr context(EVP_CIPHER_CTX_new());
    if (!context || EVP_CipherInit_ex2(context.get(), cipher_.get(), key_.bytes().data(), nullptr,
                                       direction == Direction::seal ? 1 : 0, nullptr) != 1) {
        throw OpenSslError("starting AES-256-GCM");
    }
    return context;
}

void Sealer::give_back(Direction direction, CipherPtr context) const noexcept
{
    const std::lock_guard lock(contexts_->mutex);
    auto& idle = contexts_->idle.at(static_cast<std::size_t>(direction));
    if (idle.size() < idle.capacity()) idle.push_back(std::move(context));
}

void Sealer::start(EVP_CIPHER_CTX& context, std::span<const std::uint8_t> nonce,
                   const SealedPlace& place) const
{
    constexpr int as_before = -1;  // the direction
    const auto data = additional_data(place, key_id_);
    int size = 0;
    if (EVP_CipherInit_ex2(&context, nullptr, nullptr, nonce.data(), as_before, nullptr) != 1 ||
        EVP_CipherUpdate(&context, nullptr, &size, octets(data), static_cast<int>(data.size())) != 1) {
        throw OpenSslError("starting AES-256-GCM");
    }
}

SealedValue Sealer::seal(const Secret& value, const SealedPlace& place) const
{
    Nonces::Nonce nonce{};
    draw(nonce.data(), nonce.size());
    return seal(value, place, nonce);
}

SealedValue Sealer::seal(const Secret& value, const SealedPlace& place, Nonces& nonces) const
{
    return seal(value, place, nonces.next());
}

SealedValue Sealer::seal(const Secret& value, const SealedPlace& place, const Nonces::Nonce& nonce) const
{
    SealedValue sealed(kHeaderSize + value.size() + kTagSize);
    const std::span all(sealed);
    for (std::size_t i = 0; i < kKeyIdSize; ++i) {
        all[i] = static_cast<std::uint8_t>(key_id_ >> (8 * (kKeyIdSize - 1 - i)));
    }
    std::ranges::copy(nonce, all.subspan(kKeyIdSize).begin());

    auto context = take(Direction::seal);
    start(*context, nonce, place);
    const auto ciphertext = all.subspan(kHeaderSize, value.size());
    const auto tag = all.last(kTagSize);
    int size = 0;
    if (EVP_CipherUpdate(context.get(), ciphertext.data(), &size, value.bytes().data(),
                         static_cast<int>(value.size())) != 1 ||
        EVP_CipherFinal_ex(context.get(), tag.data(), &size) != 1 ||  // GCM: writes nothing
        EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, static_cast<int>(tag.size()), tag.data()) !=
            1) {
        throw OpenSslError("sealing a value");
    }
    give_back(Direction::seal, std::move(context));
    return sealed;
}

Secret Sealer::open(std::span<const std::uint8_t> sealed, const SealedPlace& place) const
{
    if (sealed.size() < kHeaderSize + kTagSize) throw SealError(name_of(place) + " is cut off");
    if (read_key_id(sealed) != key_id_)
        throw UnknownKey(name_of(place) + " is sealed under another master key");

    const auto ciphertext = sealed.subspan(kHeaderSize, sealed.size() - kHeaderSize - kTagSize);
    std::array<std::uint8_t, kTagSize> tag{};
    std::ranges::copy(sealed.last(kTagSize), tag.begin());
    auto context = take(Direction::open);
    start(*context, sealed.subspan(kKeyIdSize, kNonceSize), place);
    Secret value(ciphertext.size());
    std::array<std::uint8_t, kTagSize> nothing{};
    int size = 0;
    if (EVP_CipherUpdate(context.get(), value.bytes().data(), &size, ciphertext.data(),
                         static_cast<int>(ciphertext.size())) != 1 ||
        EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, static_cast<int>(tag.size()), tag.data()) !=
            1) {
        throw OpenSslError("opening a sealed value");
    }
    if (EVP_CipherFinal_ex(context.get(), nothing.data(), &size) != 1) {
        throw SealError(name_of(place) + " has been altered or moved from another row");
    }
    give_back(Direction::open, std::move(context));
    return value;
}

}  // namespace securelogin::store
