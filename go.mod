module duroxide

go 1.26
