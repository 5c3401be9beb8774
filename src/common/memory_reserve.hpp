// memory_reserve.hpp: memory kept back for the moment at which there is no other.
//
// Some code cannot bear a std::bad_alloc: where Asio hands a strand on, it asks for memory in a destructor,
// and what throws there ends the process.  So operator new, before it gives up, frees the reserve and tries
// again: a shortage that has passed by then is not noticed, and a longer one ends what cannot go on only when
// the reserve is used up.
//
// What asks malloc() itself (OpenSSL, SQLite) has no part in it.  Any thread.
#pragma once

namespace securelogin {

/// Fills the reserve, and has operator new fall back on it.  Once, before other threads run.
void install_memory_reserve() noexcept;

/// Fills it again where it has been used up; costs one look where it has not.
void refill_memory_reserve() noexcept;

}  // namespace securelogin
