#include "server/auth/store.hpp"

#include <exception>
#include <future>
#include <memory>
#include <utility>

namespace securelogin::auth {

void transact(Store& store, const Store::Work& work)
{
    struct Answer {
        std::promise<void> given;
        std::exception_ptr error;
    };
    // Shared: the writer may still be inside set_value() when this function has returned.
    const auto answer = std::make_shared<Answer>();
    store.submit(work, [answer](std::exception_ptr error) {
        answer->error = std::move(error);
        answer->given.set_value();
    });
    answer->given.get_future().get();
    // Handed over, not shared: the exception ends with whoever catches it, and not on the writer's thread.
    if (answer->error) std::rethrow_exception(std::exchange(answer->error, nullptr));
}

}  // namespace securelogin::auth
