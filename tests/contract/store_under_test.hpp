// store_under_test.hpp: what the contract suite needs of a store besides auth::Store.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "server/auth/store.hpp"

namespace securelogin::contract {

class StoreUnderTest {
  public:
    virtual ~StoreUnderTest() = default;
    [[nodiscard]] virtual auth::Store& store() = 0;
    /// What has been committed, oldest first.
    [[nodiscard]] virtual std::vector<auth::AuditRecord> audit() = 0;
    /// The store is gone afterwards.
    virtual void destroy() = 0;
};

struct StoreKind {
    std::string name;
    std::unique_ptr<StoreUnderTest> (*make)();
};

[[nodiscard]] std::unique_ptr<StoreUnderTest> make_memory_store();
[[nodiscard]] std::unique_ptr<StoreUnderTest> make_sqlite_store();

}  // namespace securelogin::contract
