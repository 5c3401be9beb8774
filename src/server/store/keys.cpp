#include "server/store/keys.hpp"

#include <exception>
#include <string>
#include <utility>

#include "server/auth/store.hpp"

namespace securelogin::store {

Keys::Keys(auth::MasterKeySource source)
    : source_(std::move(source)), current_(std::make_shared<const Key>(source_().back()))
{
}

std::shared_ptr<const Keys::Key> Keys::current() const
{
    const std::lock_guard lock(mutex_);
    return current_;
}

std::shared_ptr<const Keys::Key> Keys::use(std::uint32_t id)
{
    auto key = find(id);
    if (!key) return nullptr;
    const std::lock_guard lock(mutex_);
    current_ = key;
    return key;
}

Secret Keys::open(std::span<const std::uint8_t> sealed, const SealedPlace& place, std::uint32_t in_use)
{
    const auto present = use(in_use);
    const auto id = key_id_of(sealed);
    const auto key = id ? find(*id) : nullptr;
    // One that does not open it says what is wrong with it.
    return (key ? key : present ? present : current())->sealer.open(sealed, place);
}

/// Nothing when there is no such key.
std::shared_ptr<const Keys::Key> Keys::find(std::uint32_t id) const
{
    if (auto key = current(); key->sealer.key_id() == id) return key;
    try {
        for (const auto& master : source_()) {
            if (master.id() == id) return std::make_shared<const Key>(master);
        }
    } catch (const std::exception& error) {
        throw auth::StoreError(std::string("looking for a master key: ") + error.what());
    }
    return nullptr;
}

}  // namespace securelogin::store
