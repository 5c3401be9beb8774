// readers.hpp: a store's readers, lent to the threads that need one for a moment.
//
// A reader serves one thread at a time and is costly to open: as many are kept as were ever out at once.  Any
// thread.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "server/auth/store.hpp"

namespace securelogin::login {

class Readers {
  public:
    explicit Readers(auth::Store& store) : store_(store) {}

    /// Calls `use` with a reader.  Throws what opening one, or `use`, throws; a reader that threw is not lent
    /// again.
    template <typename Use>
    auto with(Use use)
    {
        auto reader = borrow();
        auto result = use(*reader);
        give_back(std::move(reader));
        return result;
    }

  private:
    [[nodiscard]] std::unique_ptr<auth::Reader> borrow();
    void give_back(std::unique_ptr<auth::Reader> reader);

    auth::Store& store_;
    std::mutex mutex_;
    std::vector<std::unique_ptr<auth::Reader>> idle_;  // guarded by mutex_
};

}  // namespace securelogin::login
