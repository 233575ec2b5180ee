package server

// What the head of an executable says of this kind of processor: EI_CLASS and e_machine.
const (
	ownClass   = 2
	ownMachine = 62
)
