package postgres

var (
	sqlDropLaterHistories  = define(`DELETE FROM S.histories WHERE instance = $1 AND execution > $2`)
	sqlDropLaterExecutions = define(`DELETE FROM S.executions WHERE instance = $1 AND execution > $2`)
	sqlHasExecution        = define(`SELECT 1 FROM S.executions WHERE instance = $1 AND execution = $2`)
)

// rewritten puts the instance of a rewrite into the execution that is meant, and makes a fresh one.
func (g *group) rewritten(p *pipeline, i *instance, rw *rewrite) {
	if rw.Fresh {
		g.beginLife(i, rw.Start())
	} else {
		g.describe(i, rw.Started)
	}
	if i.execution > rw.Execution {
		p.exec(sqlDropLaterHistories, signed(i.key), signed(rw.Execution))
		p.exec(sqlDropLaterExecutions, signed(i.key), signed(rw.Execution))
	}
	i.execution = rw.Execution
}
