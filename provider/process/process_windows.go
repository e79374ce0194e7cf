package process

import (
	"errors"
	"os"
	"strconv"
	"sync"
	"unsafe"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/registry"
)

// This identifies the running process, or nothing where that cannot be read.
func This() ID {
	host := thisBoot()
	pid := int64(os.Getpid())
	start, alive := startOf(pid)
	if host == "" || !alive || start == 0 {
		return ID{}
	}
	return ID{Host: host, PID: pid, Start: start}
}

// startOf gives when a process was started, in units of 100 ns; zero where that cannot be read, and
// false where there is certainly no such process.
func startOf(pid int64) (start int64, alive bool) {
	const access = windows.PROCESS_QUERY_LIMITED_INFORMATION | windows.SYNCHRONIZE
	handle, err := windows.OpenProcess(access, false, uint32(pid)) //nolint:gosec // it was one before it was stored
	if err != nil {
		// A process of another user cannot be opened either; only a number that no process has is
		// a wrong argument.
		return 0, !errors.Is(err, windows.ERROR_INVALID_PARAMETER)
	}
	defer func() { _ = windows.CloseHandle(handle) }() // it was only read
	// Somebody may keep a handle of a process that has ended.
	if event, err := windows.WaitForSingleObject(handle, 0); err == nil && event == windows.WAIT_OBJECT_0 {
		return 0, false
	}
	var created, exited, kernel, user windows.Filetime
	if err := windows.GetProcessTimes(handle, &created, &exited, &kernel, &user); err != nil {
		return 0, true
	}
	return ticks(created), true
}

func ticks(t windows.Filetime) int64 {
	return int64(t.HighDateTime)<<32 | int64(t.LowDateTime)
}

// bootKey is a key of the user's registry that Windows forgets when the machine goes down.
const bootKey = `Software\duroxide-boot`

// thisBoot names the boot of this machine as one user sees it, or is "". Windows itself has no name
// for a boot. So the first process after one makes a key that does not outlast it, and the time when
// it was made, with the name of the installation, is the name. Copies of a virtual machine have the
// same installation, but not the same times.
var thisBoot = sync.OnceValue(func() string {
	made, err := bootKeyTime()
	if err != nil {
		return ""
	}
	machine, err := machineID()
	if err != nil {
		return ""
	}
	return "windows " + machine + " " + strconv.FormatInt(made, 10)
})

func machineID() (string, error) {
	key, err := registry.OpenKey(registry.LOCAL_MACHINE, `SOFTWARE\Microsoft\Cryptography`,
		registry.QUERY_VALUE|registry.WOW64_64KEY)
	if err != nil {
		return "", err
	}
	defer func() { _ = key.Close() }() // it was only read
	id, _, err := key.GetStringValue("MachineGuid")
	return id, err
}

// createKey is the one that can make a key which is forgotten at the end of the boot.
var createKey = windows.NewLazySystemDLL("advapi32.dll").NewProc("RegCreateKeyExW")

// bootKeyTime opens or makes the key, in one step that the system makes once, and gives when it was
// made: nothing is ever written to it.
func bootKeyTime() (int64, error) {
	name, err := windows.UTF16PtrFromString(bootKey)
	if err != nil {
		return 0, err
	}
	if err := createKey.Find(); err != nil {
		return 0, err
	}
	const forgotten = 1 // REG_OPTION_VOLATILE
	var key windows.Handle
	code, _, _ := createKey.Call(uintptr(windows.HKEY_CURRENT_USER), uintptr(unsafe.Pointer(name)),
		0, 0, forgotten, windows.KEY_QUERY_VALUE, 0, uintptr(unsafe.Pointer(&key)), 0)
	if code != 0 {
		return 0, windows.Errno(code)
	}
	defer func() { _ = windows.RegCloseKey(key) }() // it was only read
	var written windows.Filetime
	err = windows.RegQueryInfoKey(key, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, &written)
	return ticks(written), err
}
