#include "server/auth/store.hpp"

#include <future>
#include <memory>

namespace securelogin::auth {

void transact(Store& store, const Store::Work& work)
{
    // Shared: the writer may still be inside set_value() when this function has returned.
    const auto committed = std::make_shared<std::promise<void>>();
    store.submit(work, [committed](const std::exception_ptr& error) {
        if (error) {
            committed->set_exception(error);
        } else {
            committed->set_value();
        }
    });
    committed->get_future().get();
}

}  // namespace securelogin::auth
