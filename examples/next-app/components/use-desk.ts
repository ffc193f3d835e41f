'use client'
import { useCallback, useEffect, useRef, useState } from 'react'
import type { Desk } from '@/lib/types'

/** How often to ask while something is under way, and while nothing is. */
const SOON_MS = 800
const LATER_MS = 4000

const isUnderWay = ({ tickets }: Desk) => tickets.some(({ state }) => state !== 'completed' && state !== 'failed')

/** The tickets as they are, asked for again and again while somebody looks. `refresh` asks at once. */
export function useDesk(initial: Desk) {
  const [desk, setDesk] = useState(initial)
  const [online, setOnline] = useState(true)
  const underWay = useRef(isUnderWay(initial))

  const refresh = useCallback(async () => {
    try {
      const response = await fetch('/api/tickets', { cache: 'no-store' })
      if (!response.ok) throw new Error(`${response.status}`)
      const next: Desk = await response.json()
      underWay.current = isUnderWay(next)
      setDesk(next)
      setOnline(true)
    } catch {
      setOnline(false)
    }
  }, [])

  useEffect(() => {
    let timer: ReturnType<typeof setTimeout>
    let ended = false
    const next = () => {
      timer = setTimeout(tick, underWay.current ? SOON_MS : LATER_MS)
    }
    const tick = async () => {
      if (!document.hidden) await refresh()
      if (!ended) next()
    }
    next()
    return () => {
      ended = true
      clearTimeout(timer)
    }
  }, [refresh])

  return { desk, online, refresh }
}
