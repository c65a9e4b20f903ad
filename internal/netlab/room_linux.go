// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package netlab

import (
	"errors"
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// ownNamespace is the network namespace of the thread that opens it.
const ownNamespace = "/proc/thread-self/ns/net"

// room is a network namespace, which lasts as long as the open file or a process
// inside, and its interface, which lasts as long as its file.
type room struct {
	namespace *os.File
	tap       *os.File // reads the frames that the station sends, one by one
}

// openRoom makes a namespace and sets it up.
func openRoom(c roomConfig) (*room, error) {
	if unix.Geteuid() != 0 {
		return nil, errors.New("make a network namespace: permission denied; run as root")
	}
	r := &room{}
	err := inNamespace(func() error { return unix.Unshare(unix.CLONE_NEWNET) }, func() (err error) {
		if r.namespace, err = os.Open(ownNamespace); err != nil {
			return err
		}
		if r.tap, err = openTAP(); err != nil {
			return err
		}
		return configure(c)
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make a network namespace: %w", err), r.close())
	}
	return r, nil
}

// do calls f in the namespace.
func (r *room) do(f func() error) error {
	return inNamespace(func() error { return unix.Setns(int(r.namespace.Fd()), unix.CLONE_NEWNET) }, f)
}

func (r *room) close() error {
	var errs []error
	for _, file := range []*os.File{r.tap, r.namespace} {
		if file != nil {
			errs = append(errs, file.Close())
		}
	}
	return errors.Join(errs...)
}

// inNamespace calls f on a thread that enter has moved into another namespace, and
// moves it back. The thread is not thrown away instead: children that are to die
// with their parent die with the thread that started them.
func inNamespace(enter, f func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	home, err := os.Open(ownNamespace)
	if err != nil {
		return err
	}
	defer home.Close()
	if err := enter(); err != nil {
		return err
	}
	defer func() {
		if err := unix.Setns(int(home.Fd()), unix.CLONE_NEWNET); err != nil {
			panic(fmt.Sprintf("netlab: a thread cannot leave a network namespace: %v", err))
		}
	}()
	return f()
}

// openTAP makes the interface eth0 in the thread's namespace.
func openTAP() (*os.File, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("open /dev/net/tun: %w", err)
	}
	req, err := unix.NewIfreq(ifaceName)
	if err == nil {
		// Without offloads the kernel computes every checksum and splits every segment.
		req.SetUint16(unix.IFF_TAP | unix.IFF_NO_PI)
		err = unix.IoctlIfreq(fd, unix.TUNSETIFF, req)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make the interface %s: %w", ifaceName, err), unix.Close(fd))
	}
	// Only now: the runtime's poller sees an error on a file without an interface.
	return os.NewFile(uintptr(fd), "tap"), nil
}
