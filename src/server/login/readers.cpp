#include "server/login/readers.hpp"

#include <utility>

namespace securelogin::login {

std::unique_ptr<auth::Reader> Readers::borrow()
{
    {
        const std::lock_guard lock(mutex_);
        if (!idle_.empty()) {
            auto reader = std::move(idle_.back());
            idle_.pop_back();
            return reader;
        }
    }
    return store_.open_reader();
}

void Readers::give_back(std::unique_ptr<auth::Reader> reader)
{
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(reader));
}

}  // namespace securelogin::login
