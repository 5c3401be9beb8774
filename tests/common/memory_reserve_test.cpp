#include "common/memory_reserve.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <new>

namespace securelogin {
namespace {

/// Whether operator new, out of memory, would try again.
bool helps()
{
    try {
        std::get_new_handler()();
        return true;
    } catch (const std::bad_alloc&) {
        return false;
    }
}

class MemoryReserve : public testing::Test {
  protected:
    MemoryReserve() { install_memory_reserve(); }
    ~MemoryReserve() override { std::set_new_handler(nullptr); }
};

TEST_F(MemoryReserve, HelpsOnceAndAgainWhenItHasBeenRefilled)
{
    EXPECT_TRUE(helps());
    EXPECT_FALSE(helps()) << "else operator new would ask for ever";
    refill_memory_reserve();
    EXPECT_TRUE(helps());
    EXPECT_FALSE(helps());
}

TEST_F(MemoryReserve, IsOneHoweverOftenItIsFilled)
{
    refill_memory_reserve();
    refill_memory_reserve();
    EXPECT_TRUE(helps());
    EXPECT_FALSE(helps());
}

}  // namespace
}  // namespace securelogin
